"""Classes: methods, attributes, properties, operators, inheritance."""

import sys


class Vector:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y, self.z - other.z)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z


class Body:
    def __init__(self, place, speed, mass):
        self.place, self.speed, self.mass = place, speed, mass
        self.steps = 0

    def move(self, time):
        self.place = self.place + self.speed * time
        self.steps += 1

    @property
    def energy(self):
        return self.mass * self.speed.dot(self.speed) / 2


class Probe(Body):
    def move(self, time):
        super().move(time)
        if self.energy > 100:
            self.speed = self.speed * 0.5


def attract(bodies, time):
    for one in bodies:
        for other in bodies:
            if one is other:
                continue
            apart = other.place - one.place
            distance = apart.dot(apart) + 1.0
            one.speed = one.speed + apart * (other.mass * time / (distance * distance**0.5))
    for body in bodies:
        body.move(time)


def main(scale):
    kinds = [Body, Probe]
    bodies = [kinds[i % 2](Vector(i, i * i % 5, -i), Vector(0.1 * i, 0.0, 0.2), 1.0 + i) for i in range(6)]
    for _ in range(int(80_000 * scale)):
        attract(bodies, 0.01)
    print(f"{sum(body.energy for body in bodies):.6f}", sum(body.steps for body in bodies))


main(float(sys.argv[1]))
