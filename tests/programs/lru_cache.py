"""An LRU cache by hand (dict and linked list), with expiry, as a decorator, against functools."""

import functools


class Node:
    __slots__ = ("key", "value", "previous", "next")

    def __init__(self, key=None, value=None):
        self.key, self.value = key, value
        self.previous = self.next = self


class LRU:
    def __init__(self, capacity, on_evict=None):
        self.capacity, self.on_evict = capacity, on_evict
        self.nodes, self.root = {}, Node()
        self.hits = self.misses = 0

    def _unlink(self, node):
        node.previous.next, node.next.previous = node.next, node.previous

    def _front(self, node):
        first = self.root.next
        node.previous, node.next = self.root, first
        self.root.next = first.previous = node

    def __getitem__(self, key):
        try:
            node = self.nodes[key]
        except KeyError:
            self.misses += 1
            return self.__missing__(key)
        self.hits += 1
        self._unlink(node)
        self._front(node)
        return node.value

    def __missing__(self, key):
        raise KeyError(key)

    def __setitem__(self, key, value):
        if node := self.nodes.get(key):
            node.value = value
            self._unlink(node)
        else:
            node = self.nodes[key] = Node(key, value)
        self._front(node)
        while len(self.nodes) > self.capacity:
            del self[self.root.previous.key]

    def __delitem__(self, key):
        node = self.nodes.pop(key)
        self._unlink(node)
        if self.on_evict is not None:
            self.on_evict(key, node.value)

    def __contains__(self, key):
        return key in self.nodes

    def __len__(self):
        return len(self.nodes)

    def __iter__(self):
        node = self.root.next
        while node is not self.root:
            yield node.key
            node = node.next

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k!r}: {self.nodes[k].value!r}' for k in self)})"


class Squares(LRU):
    def __missing__(self, key):
        self[key] = value = key * key
        return value


def cached(capacity):
    def decorate(function):
        store = LRU(capacity)

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            key = args + tuple(sorted(kwargs.items()))
            try:
                return store[key]
            except KeyError:
                store[key] = result = function(*args, **kwargs)
                return result

        wrapper.store = store
        return wrapper

    return decorate


@cached(50)
def binomial(n, k=0):
    """n over k"""
    return 1 if k in (0, n) else binomial(n - 1, k - 1) + binomial(n - 1, k=k)


@functools.lru_cache(maxsize=None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


evicted = []
cache = LRU(3, on_evict=lambda *pair: evicted.append(pair))
for key, value in zip("abcd", range(4)):
    cache[key] = value
assert "a" not in cache and evicted == [("a", 0)] and list(cache) == ["d", "c", "b"]
assert cache["b"] == 1 and list(cache) == ["b", "d", "c"]
cache["c"] = 20
cache["e"] = 4
print(cache, evicted, len(cache))
for key in ("a", "b", "z"):
    try:
        print(key, cache[key])
    except KeyError as error:
        print("missing", error, cache.misses)
del cache["e"]
print(list(cache), cache.hits, cache.misses)
squares = Squares(4)
print([squares[n] for n in (1, 2, 3, 1, 4, 5, 2, 1)], squares, squares.hits, squares.misses)
print(binomial(10, 5), binomial.store.hits, binomial.store.misses, binomial.__name__, binomial.__doc__)
print(fibonacci(60), fibonacci.cache_info())
