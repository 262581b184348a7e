"""Host code: what CPython runs in place of a program's function, dressed as that function, our own frames hidden."""
