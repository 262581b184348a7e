"""Graphs: Dijkstra, topological sort, components, spanning tree, strongly connected parts, max flow."""

import heapq
from collections import defaultdict, deque

ROADS = [
    ("A", "B", 7),
    ("A", "D", 5),
    ("B", "C", 8),
    ("B", "D", 9),
    ("B", "E", 7),
    ("C", "E", 5),
    ("D", "E", 15),
    ("D", "F", 6),
    ("E", "F", 8),
    ("E", "G", 9),
    ("F", "G", 11),
    ("X", "Y", 1),
]


class CycleError(ValueError):
    pass


class Graph:
    def __init__(self, edges, directed=False):
        self.edges = defaultdict(dict)
        for tail, head, weight in edges:
            self.edges[tail][head] = weight
            if directed:
                self.edges[head]
            else:
                self.edges[head][tail] = weight

    def __iter__(self):
        return iter(sorted(self.edges))

    def __getitem__(self, node):
        return self.edges[node]

    def dijkstra(self, start):
        distance, previous, queue = {start: 0}, {}, [(0, start)]
        while queue:
            far, node = heapq.heappop(queue)
            if far > distance[node]:
                continue
            for neighbour, weight in sorted(self[node].items()):
                if (new := far + weight) < distance.get(neighbour, float("inf")):
                    distance[neighbour], previous[neighbour] = new, node
                    heapq.heappush(queue, (new, neighbour))
        return distance, previous

    def path(self, start, end):
        _, previous = self.dijkstra(start)
        nodes = [end]
        while nodes[-1] != start:
            try:
                nodes.append(previous[nodes[-1]])
            except KeyError:
                return None
        return nodes[::-1]

    def components(self):
        seen = set()
        for start in self:
            if start in seen:
                continue
            part, queue = [], deque([start])
            seen.add(start)
            while queue:
                part.append(node := queue.popleft())
                for neighbour in sorted(self[node]):
                    if neighbour not in seen:
                        seen.add(neighbour)
                        queue.append(neighbour)
            yield part

    def topological(self):
        done, active, order = set(), set(), []

        def visit(node):
            if node in active:
                raise CycleError(node)
            if node not in done:
                active.add(node)
                for neighbour in sorted(self[node]):
                    visit(neighbour)
                active.remove(node)
                done.add(node)
                order.append(node)

        for node in self:
            visit(node)
        return order[::-1]

    def strong(self):
        """Tarjan's strongly connected components."""
        index, low, stack, result = {}, {}, [], []

        def connect(node):
            index[node] = low[node] = len(index)
            stack.append(node)
            for neighbour in sorted(self[node]):
                if neighbour not in index:
                    connect(neighbour)
                    low[node] = min(low[node], low[neighbour])
                elif neighbour in stack:
                    low[node] = min(low[node], index[neighbour])
            if low[node] == index[node]:
                at = stack.index(node)
                result.append(sorted(stack[at:]))
                del stack[at:]

        for node in self:
            if node not in index:
                connect(node)
        return sorted(result)


def spanning(edges):
    parent = {}

    def find(node):
        while parent.setdefault(node, node) != node:
            parent[node] = node = parent[parent[node]]
        return node

    chosen = []
    for tail, head, weight in sorted(edges, key=lambda e: (e[2], e)):
        a, b = find(tail), find(head)
        if a is not b and a != b:
            parent[a] = b
            chosen.append((tail, head, weight))
    return chosen


graph = Graph(ROADS)
print(sorted(graph.dijkstra("A")[0].items()), graph.path("A", "G"), graph.path("A", "Y"))
print(list(graph.components()), spanning(ROADS), sum(w for *_, w in spanning(ROADS)))
WEAR_FIRST = ("shirt tie", "tie jacket", "trousers shoes", "trousers belt", "belt jacket", "socks shoes")
clothes = Graph([(*pair.split(), 1) for pair in WEAR_FIRST], directed=True)
order = clothes.topological()
assert all(order.index(a) < order.index(b) for a in clothes for b in clothes[a])
print(order)
cyclic = Graph(
    [("a", "b", 1), ("b", "c", 1), ("c", "a", 1), ("c", "d", 1), ("d", "e", 1), ("e", "d", 1)], directed=True
)
print(cyclic.strong())
try:
    cyclic.topological()
except CycleError as error:
    print("cycle through", error)
