package inquiry

import (
	"encoding/binary"
	"math"
	"time"
)

// Histogram counts durations in classes, each a quarter of a doubling wide, from
// a millisecond to a quarter of an hour. Two histograms of the same durations
// are equal whatever the order in which they came, so that it can be a part of
// a batch's sums.
type Histogram [histogramClasses]uint16

const (
	histogramClasses = 80
	classesPerDouble = 4
)

// Add counts one duration. What lies beyond either end counts to the last class
// there.
func (h *Histogram) Add(d time.Duration) {
	class := 0
	if ms := float64(d) / float64(time.Millisecond); ms > 1 {
		class = min(int(math.Ceil(math.Log2(ms)*classesPerDouble)), histogramClasses-1)
	}
	h[class]++ // at most MaxInquiries, so that it never overflows
}

// Count is how many durations were added.
func (h *Histogram) Count() int {
	n := 0
	for _, c := range h {
		n += int(c)
	}
	return n
}

// Quantile returns a duration that the share q of all added ones does not
// exceed. It is at most a fifth above the exact one, and 0 when there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	wanted, seen := max(int(math.Ceil(q*float64(h.Count()))), 1), 0
	for class, c := range h {
		if seen += int(c); seen >= wanted {
			ms := math.Exp2(float64(class) / classesPerDouble)
			return time.Duration(ms * float64(time.Millisecond)).Round(time.Millisecond / 10)
		}
	}
	return 0
}

// Pack writes the classes that are in use: the first one's number, then 16 bits
// each.
func (h *Histogram) Pack() []byte {
	first, last := 0, histogramClasses-1
	for first <= last && h[first] == 0 {
		first++
	}
	for last >= first && h[last] == 0 {
		last--
	}
	if first > last {
		return nil
	}
	packed := []byte{byte(first)}
	for _, c := range h[first : last+1] {
		packed = binary.BigEndian.AppendUint16(packed, c)
	}
	return packed
}

// UnpackHistogram reads what Pack wrote. What lies outside is left aside.
func UnpackHistogram(packed []byte) (h Histogram) {
	if len(packed) == 0 {
		return h
	}
	for class, rest := int(packed[0]), packed[1:]; len(rest) >= 2 && class < histogramClasses; class, rest = class+1, rest[2:] {
		h[class] = binary.BigEndian.Uint16(rest)
	}
	return h
}
