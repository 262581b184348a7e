"""Molar masses from formulas: a function of more than 256 constants, with jumps and operands that need EXTENDED_ARG."""


def fill(only=None):
    """Every element by its own statement; the loop around them jumps far back."""
    table, passes = {}, 0

    def add(symbol, name, mass):
        if only is None or only(symbol, name):
            table[symbol] = name, mass

    while passes < 2:
        passes += 1
        if passes == 1 and only is None:
            continue
        add("H", "Hydrogen", 1.008)
        add("He", "Helium", 4.0026)
        add("Li", "Lithium", 6.94)
        add("Be", "Beryllium", 9.0122)
        add("B", "Boron", 10.81)
        add("C", "Carbon", 12.011)
        add("N", "Nitrogen", 14.007)
        add("O", "Oxygen", 15.999)
        add("F", "Fluorine", 18.998)
        add("Ne", "Neon", 20.180)
        add("Na", "Sodium", 22.990)
        add("Mg", "Magnesium", 24.305)
        add("Al", "Aluminium", 26.982)
        add("Si", "Silicon", 28.085)
        add("P", "Phosphorus", 30.974)
        add("S", "Sulfur", 32.06)
        add("Cl", "Chlorine", 35.45)
        add("Ar", "Argon", 39.948)
        add("K", "Potassium", 39.098)
        add("Ca", "Calcium", 40.078)
        add("Sc", "Scandium", 44.956)
        add("Ti", "Titanium", 47.867)
        add("V", "Vanadium", 50.942)
        add("Cr", "Chromium", 51.996)
        add("Mn", "Manganese", 54.938)
        add("Fe", "Iron", 55.845)
        add("Co", "Cobalt", 58.933)
        add("Ni", "Nickel", 58.693)
        add("Cu", "Copper", 63.546)
        add("Zn", "Zinc", 65.38)
        add("Ga", "Gallium", 69.723)
        add("Ge", "Germanium", 72.630)
        add("As", "Arsenic", 74.922)
        add("Se", "Selenium", 78.971)
        add("Br", "Bromine", 79.904)
        add("Kr", "Krypton", 83.798)
        add("Rb", "Rubidium", 85.468)
        add("Sr", "Strontium", 87.62)
        add("Y", "Yttrium", 88.906)
        add("Zr", "Zirconium", 91.224)
        add("Nb", "Niobium", 92.906)
        add("Mo", "Molybdenum", 95.95)
        add("Tc", "Technetium", 97.0)
        add("Ru", "Ruthenium", 101.07)
        add("Rh", "Rhodium", 102.91)
        add("Pd", "Palladium", 106.42)
        add("Ag", "Silver", 107.87)
        add("Cd", "Cadmium", 112.41)
        add("In", "Indium", 114.82)
        add("Sn", "Tin", 118.71)
        add("Sb", "Antimony", 121.76)
        add("Te", "Tellurium", 127.60)
        add("I", "Iodine", 126.90)
        add("Xe", "Xenon", 131.29)
        add("Cs", "Caesium", 132.91)
        add("Ba", "Barium", 137.33)
        add("La", "Lanthanum", 138.91)
        add("Ce", "Cerium", 140.12)
        add("Pr", "Praseodymium", 140.91)
        add("Nd", "Neodymium", 144.24)
        add("Pm", "Promethium", 145.0)
        add("Sm", "Samarium", 150.36)
        add("Eu", "Europium", 151.96)
        add("Gd", "Gadolinium", 157.25)
        add("Tb", "Terbium", 158.93)
        add("Dy", "Dysprosium", 162.50)
        add("Ho", "Holmium", 164.93)
        add("Er", "Erbium", 167.26)
        add("Tm", "Thulium", 168.93)
        add("Yb", "Ytterbium", 173.05)
        add("Lu", "Lutetium", 174.97)
        add("Hf", "Hafnium", 178.49)
        add("Ta", "Tantalum", 180.95)
        add("W", "Tungsten", 183.84)
        add("Re", "Rhenium", 186.21)
        add("Os", "Osmium", 190.23)
        add("Ir", "Iridium", 192.22)
        add("Pt", "Platinum", 195.08)
        add("Au", "Gold", 196.97)
        add("Hg", "Mercury", 200.59)
        add("Tl", "Thallium", 204.38)
        add("Pb", "Lead", 207.2)
        add("Bi", "Bismuth", 208.98)
        add("Po", "Polonium", 209.0)
        add("At", "Astatine", 210.0)
        add("Rn", "Radon", 222.0)
        add("Fr", "Francium", 223.0)
        add("Ra", "Radium", 226.0)
        add("Ac", "Actinium", 227.0)
        add("Th", "Thorium", 232.04)
        add("Pa", "Protactinium", 231.04)
        add("U", "Uranium", 238.03)
        if passes == 2:
            break
    else:
        raise AssertionError("left by break")
    return table, passes


def atoms(formula, at=0, inside=False):
    """The atoms of a formula such as Ca(OH)2, and where the reading ended."""
    counts = {}
    while at < len(formula):
        symbol = formula[at]
        if symbol == "(":
            group, at = atoms(formula, at + 1, True)
        elif symbol == ")":
            if not inside:
                raise ValueError(f"unopened ) at {at} in {formula}")
            return counts, at + 1
        elif symbol.isupper():
            end = at + 1
            while end < len(formula) and formula[end].islower():
                end += 1
            group, at = {formula[at:end]: 1}, end
        else:
            raise ValueError(f"unexpected {symbol!r} at {at} in {formula}")
        digits = ""
        while at < len(formula) and formula[at].isdigit():
            digits += formula[at]
            at += 1
        for name, count in group.items():
            counts[name] = counts.get(name, 0) + count * int(digits or 1)
    if inside:
        raise ValueError(f"unclosed ( in {formula}")
    return counts, at


def mass(formula, table):
    try:
        return sum(table[symbol][1] * count for symbol, count in atoms(formula)[0].items())
    except KeyError as error:
        raise LookupError(f"no element {error} in {formula}") from None


table, passes = fill()
print(len(table), passes, table["Fe"], max(table.items(), key=lambda item: item[1][1]))
print(sorted(fill(lambda symbol, name: name.endswith("ine"))[0]), len(fill(lambda symbol, name: not name.startswith(symbol))[0]))
for formula in ("H2O", "C6H12O6", "Ca(OH)2", "Al2(SO4)3", "K4Fe(CN)6", "CH3(CH2)4CH3", "U", "Xx2", "(H", "H)", "h2o", "3H"):
    try:
        print(f"{formula:>14} {mass(formula, table):8.3f} {atoms(formula)[0]}")
    except (ValueError, LookupError) as error:
        print(f"{formula:>14} {type(error).__name__}: {error}")
code = fill.__code__
assert len(code.co_consts) > 256 or len(code.co_code) > 2000
heavier = [symbol for symbol, (name, m) in table.items() if m > 200]
alphabet = {letter: [name for name, _ in table.values() if name[0] == letter] for letter in "ABC"}
print(heavier, {letter: len(names) for letter, names in alphabet.items()})
