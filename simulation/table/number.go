package table

import (
	"math/big"
	"strconv"
	"strings"
)

// The table's numbers have 38 significant digits and magnitudes from 1e-130 to
// below 1e126.
const (
	maxDigits = 38
	maxPoint  = 126
	minPoint  = -129
)

// decimal is 0.digits × 10^point, negated if neg. digits begins and ends with
// another digit than 0; zero has none.
type decimal struct {
	neg    bool
	digits string
	point  int
}

// smallInt reads the numbers that nearly all of ours are: whole ones in their
// canonical form that fit an int64.
func smallInt(s string) (n int64, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if len(digits) != len(s) {
		n = -n
	}
	return n, true
}

// parseNumber reads a number as a request may write it.
func parseNumber(s string) (decimal, error) {
	bad := func() (decimal, error) {
		return decimal{}, invalid("The parameter cannot be converted to a numeric value: %s", s)
	}
	rest := s
	var d decimal
	switch {
	case strings.HasPrefix(rest, "-"):
		d.neg, rest = true, rest[1:]
	case strings.HasPrefix(rest, "+"):
		rest = rest[1:]
	}
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		e, err := strconv.Atoi(rest[i+1:])
		if err != nil || e > 1_000_000 || e < -1_000_000 {
			return bad()
		}
		mantissa, exponent = rest[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return bad()
	}
	trimmed := strings.TrimLeft(digits, "0")
	d.point = len(whole) + exponent - (len(digits) - len(trimmed))
	d.digits = strings.TrimRight(trimmed, "0")
	if d.digits == "" {
		return decimal{}, nil
	}
	return d, d.check()
}

func (d decimal) check() error {
	switch {
	case d.digits == "":
		return nil
	case len(d.digits) > maxDigits:
		return invalid("Attempting to store more than 38 significant digits in a Number")
	case d.point > maxPoint:
		return invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case d.point < minPoint:
		return invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	return nil
}

// String is the canonical form, without an exponent.
func (d decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	var b strings.Builder
	if d.neg {
		b.WriteByte('-')
	}
	switch {
	case d.point <= 0:
		b.WriteString("0." + strings.Repeat("0", -d.point) + d.digits)
	case d.point >= len(d.digits):
		b.WriteString(d.digits + strings.Repeat("0", d.point-len(d.digits)))
	default:
		b.WriteString(d.digits[:d.point] + "." + d.digits[d.point:])
	}
	return b.String()
}

// canonical returns the form in which the table keeps the number.
func canonical(s string) (string, error) {
	if _, ok := smallInt(s); ok {
		return s, nil
	}
	d, err := parseNumber(s)
	return d.String(), err
}

// compareNumbers orders two numbers that are known to be valid.
func compareNumbers(a, b string) int {
	if m, ok := smallInt(a); ok {
		if n, ok := smallInt(b); ok {
			switch {
			case m < n:
				return -1
			case m > n:
				return 1
			}
			return 0
		}
	}
	x, _ := parseNumber(a)
	y, _ := parseNumber(b)
	if x.sign() != y.sign() {
		return x.sign() - y.sign()
	}
	if x.digits == "" {
		return 0
	}
	magnitude := x.point - y.point
	if magnitude == 0 {
		magnitude = strings.Compare(x.digits, y.digits)
	}
	return magnitude * x.sign()
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	}
	return 1
}

// addNumbers returns a+b, or a-b.
func addNumbers(a, b string, subtract bool) (string, error) {
	if m, ok := smallInt(a); ok {
		if n, ok := smallInt(b); ok {
			if subtract {
				n = -n
			}
			return strconv.FormatInt(m+n, 10), nil
		}
	}
	x, err := parseNumber(a)
	if err != nil {
		return "", err
	}
	y, err := parseNumber(b)
	if err != nil {
		return "", err
	}
	// Both as whole multiples of the same power of ten.
	exponent := min(x.point-len(x.digits), y.point-len(y.digits))
	sum, other := x.times(exponent), y.times(exponent)
	if subtract {
		other.Neg(other)
	}
	sum.Add(sum, other)

	digits := new(big.Int).Abs(sum).String()
	d := decimal{neg: sum.Sign() < 0, digits: strings.TrimRight(digits, "0"), point: len(digits) + exponent}
	if sum.Sign() == 0 {
		return "0", nil
	}
	return d.String(), d.check()
}

// times is how often 10^exponent is in d.
func (d decimal) times(exponent int) *big.Int {
	if d.digits == "" {
		return new(big.Int)
	}
	n, _ := new(big.Int).SetString(d.digits+strings.Repeat("0", d.point-len(d.digits)-exponent), 10)
	if d.neg {
		n.Neg(n)
	}
	return n
}

// numberSize is how many bytes of an item the number takes: two digits share
// one, and a sign takes one.
func numberSize(s string) int {
	neg := strings.HasPrefix(s, "-")
	digits := strings.Trim(strings.TrimPrefix(s, "-"), "0")
	if strings.IndexByte(digits, '.') >= 0 {
		digits = strings.Trim(strings.Replace(digits, ".", "", 1), "0")
	}
	size := (len(digits)+1)/2 + 1
	if neg {
		size++
	}
	return size
}
