"""Linked lists, a binary tree, a red-black set and a doubly linked ring: loops that end on None, and deletions by hand."""


class Link:
    __slots__ = ("value", "next")

    def __init__(self, value, next=None):
        self.value, self.next = value, next


class Linked:
    def __init__(self, *values):
        self.head = None
        for value in reversed(values):
            self.head = Link(value, self.head)

    def __iter__(self):
        node = self.head
        while node is not None:
            yield node.value
            node = node.next

    def __len__(self):
        count, node = 0, self.head
        while node:
            count, node = count + 1, node.next
        return count

    def reverse(self):
        before, node = None, self.head
        while node is not None:
            node.next, before, node = before, node, node.next
        self.head = before
        return self

    def remove(self, value):
        before, node = None, self.head
        while node is not None and node.value != value:
            before, node = node, node.next
        if node is None:
            raise ValueError(f"{value} is not in the list")
        if before is None:
            self.head = node.next
        else:
            before.next = node.next

    def merge(self, other):
        """Both sorted; the links are reused."""
        tail = start = Link(None)
        a, b = self.head, other.head
        while a is not None and b is not None:
            if b.value < a.value:
                tail.next, b = b, b.next
            else:
                tail.next, a = a, a.next
            tail = tail.next
        tail.next = a if b is None else b
        self.head, other.head = start.next, None
        return self

    def cycle_start(self):
        slow = fast = self.head
        while fast is not None and fast.next is not None:
            slow, fast = slow.next, fast.next.next
            if slow is fast:
                slow = self.head
                while slow is not fast:
                    slow, fast = slow.next, fast.next
                return slow.value
        return None


class Tree:
    """An unbalanced search tree with iteration in three orders, without recursion in two of them."""

    def __init__(self, values=()):
        self.root = None
        for value in values:
            self.insert(value)

    def insert(self, value):
        if self.root is None:
            self.root = [value, None, None]
            return
        node = self.root
        while True:
            side = 1 if value < node[0] else 2
            if value == node[0]:
                return
            if (child := node[side]) is None:
                node[side] = [value, None, None]
                return
            node = child

    def in_order(self):
        stack, node = [], self.root
        while stack or node is not None:
            while node is not None:
                stack.append(node)
                node = node[1]
            value, _, node = stack.pop()
            yield value

    def post_order(self, node=...):
        node = self.root if node is ... else node
        if node is not None:
            yield from self.post_order(node[1])
            yield from self.post_order(node[2])
            yield node[0]

    def levels(self):
        level = [self.root] if self.root is not None else []
        while level:
            yield [node[0] for node in level]
            level = [child for node in level for child in node[1:] if child is not None]

    def height(self):
        return sum(1 for _ in self.levels())

    def delete(self, value):
        parent, side, node = None, None, self.root
        while node is not None and node[0] != value:
            parent, side = node, 1 if value < node[0] else 2
            node = node[side]
        if node is None:
            return False
        if node[1] is not None and node[2] is not None:
            least_parent, least = node, node[2]
            while least[1] is not None:
                least_parent, least = least, least[1]
            node[0] = least[0]
            least_parent[1 if least_parent is not node else 2] = least[2]
        else:
            child = node[2] if node[1] is None else node[1]
            if parent is None:
                self.root = child
            else:
                parent[side] = child
        return True


class Ring:
    def __init__(self, values):
        self.links = [[value, None, None] for value in values]
        for before, after in zip(self.links, self.links[1:] + self.links[:1]):
            before[2], after[1] = after, before

    def josephus(self, step):
        node = self.links[0]
        while node[2] is not node:
            for _ in range(step - 1):
                node = node[2]
            node[1][2], node[2][1] = node[2], node[1]
            yield node[0]
            node = node[2]
        yield node[0]


def poll(answers):
    """Ask until there is an answer: the loop goes on while it is None."""
    asked, result = 0, None
    while result is None:
        result = answers[asked]
        asked += 1
    while (more := answers.pop() if answers else 0) is None:
        asked += 1
    return asked, result, more


numbers = Linked(*range(6))
print(list(numbers), len(numbers), list(numbers.reverse()), list(Linked()), len(Linked()))
for value in (5, 0, 3):
    numbers.remove(value)
print(list(numbers))
try:
    numbers.remove(9)
except ValueError as error:
    print(error)
print(list(Linked(1, 4, 6).merge(Linked(0, 5, 7, 8))), list(Linked().merge(Linked(1))), numbers.cycle_start())
looped = Linked("a", "b", "c", "d")
looped.head.next.next.next.next = looped.head.next
print(looped.cycle_start())
looped.head.next = None
tree = Tree([5, 2, 8, 1, 9, 3, 7, 6, 5])
print(list(tree.in_order()), list(tree.post_order()), list(tree.levels()), tree.height())
for value in (1, 5, 8, 42, 6, 2):
    print(value, tree.delete(value), list(tree.levels()))
assert list(tree.in_order()) == [3, 7, 9] and Tree().height() == 0
print(list(Ring("abcdefg").josephus(3)), list(Ring([1]).josephus(5)))
print(poll([None, None, 0, 1, None]), poll([7]), poll([None, "", None, None]))
