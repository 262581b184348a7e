from .selfish import value

value = 1
