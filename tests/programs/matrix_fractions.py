"""Matrices of fractions: inversion by Gauss-Jordan, determinants, and an operator-overloading class."""

from fractions import Fraction


class SingularError(ArithmeticError):
    pass


class Matrix:
    def __init__(self, rows):
        self.rows = [[Fraction(x) for x in row] for row in rows]
        if len({len(row) for row in self.rows}) != 1:
            raise ValueError("ragged rows")

    @classmethod
    def identity(cls, size):
        return cls([int(i == j) for j in range(size)] for i in range(size))

    @property
    def shape(self):
        return len(self.rows), len(self.rows[0])

    @property
    def T(self):
        return Matrix(zip(*self.rows))

    def __matmul__(self, other):
        if self.shape[1] != other.shape[0]:
            return NotImplemented
        return Matrix(
            [[sum(a * b for a, b in zip(row, column)) for column in zip(*other.rows)] for row in self.rows]
        )

    def __add__(self, other):
        return Matrix([[a + b for a, b in zip(p, q)] for p, q in zip(self.rows, other.rows)])

    def __mul__(self, scale):
        return Matrix([[a * scale for a in row] for row in self.rows])

    __rmul__ = __mul__

    def __pow__(self, exponent):
        if exponent < 0:
            return self.inverse() ** -exponent
        result, base = Matrix.identity(len(self.rows)), self
        while exponent:
            exponent, odd = divmod(exponent, 2)
            if odd:
                result = result @ base
            base = base @ base
        return result

    def __eq__(self, other):
        return isinstance(other, Matrix) and self.rows == other.rows

    def __getitem__(self, key):
        i, j = key
        return self.rows[i][j]

    def __str__(self):
        cells = [[str(x) for x in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells)]
        return "\n".join("[" + " ".join(c.rjust(w) for c, w in zip(row, widths)) + "]" for row in cells)

    def inverse(self):
        size, columns = self.shape
        if size != columns:
            raise ValueError(f"{size} by {columns} is not square")
        work = [row + unit for row, unit in zip(self.rows, Matrix.identity(size).rows)]
        for column in range(size):
            for pivot in range(column, size):
                if work[pivot][column]:
                    break
            else:
                raise SingularError(f"no pivot in column {column}")
            work[column], work[pivot] = work[pivot], work[column]
            factor = work[column][column]
            work[column] = [x / factor for x in work[column]]
            for row in range(size):
                if row != column and (scale := work[row][column]):
                    work[row] = [x - scale * y for x, y in zip(work[row], work[column])]
        return Matrix(row[size:] for row in work)

    def determinant(self):
        if len(self.rows) == 1:
            return self[0, 0]
        return sum(
            (-1) ** j * self[0, j] * Matrix(r[:j] + r[j + 1 :] for r in self.rows[1:]).determinant()
            for j in range(len(self.rows))
            if self[0, j]
        )


def hilbert(size):
    return Matrix([[Fraction(1, i + j + 1) for j in range(size)] for i in range(size)])


for size in range(1, 5):
    matrix = hilbert(size)
    inverse = matrix.inverse()
    assert matrix @ inverse == Matrix.identity(size) == inverse @ matrix
    assert all(x.denominator == 1 for row in inverse.rows for x in row)
    assert matrix.T == matrix and matrix.determinant() * inverse.determinant() == 1
    print(inverse, matrix.determinant(), sep="\n")
fibonacci = Matrix([[1, 1], [1, 0]])
assert (fibonacci**30)[0, 1] == 832040 and fibonacci**-2 @ fibonacci**2 == fibonacci**0
assert 2 * fibonacci + fibonacci * -1 == fibonacci
for bad in (
    lambda: Matrix([[1, 2], [2, 4]]).inverse(),
    lambda: Matrix([[1, 2]]).inverse(),
    lambda: Matrix([[1], [2, 3]]),
    lambda: fibonacci @ hilbert(3),
    lambda: fibonacci @ 3,
):
    try:
        bad()
    except (ArithmeticError, ValueError, TypeError, AttributeError) as error:
        print(type(error).__name__, error)
