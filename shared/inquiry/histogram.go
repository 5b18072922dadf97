package inquiry

import (
	"encoding/binary"
	"math"
	"time"
)

// Histogram counts durations in classes, four for each doubling, from a millisecond
// to a quarter of an hour. Histograms of the same durations are equal, whatever the
// order in which they were added, so a histogram can be part of a batch's sums.
type Histogram [histogramClasses]uint16

const (
	histogramClasses = 80
	classesPerDouble = 4
)

// Add counts one duration. The first and the last class also count durations that
// are too short or too long.
func (h *Histogram) Add(d time.Duration) {
	class := 0
	if ms := float64(d) / float64(time.Millisecond); ms > 1 {
		class = min(int(math.Ceil(math.Log2(ms)*classesPerDouble)), histogramClasses-1)
	}
	h[class]++ // at most MaxInquiries, so it never overflows
}

// Count returns how many durations were added.
func (h *Histogram) Count() int {
	n := 0
	for _, c := range h {
		n += int(c)
	}
	return n
}

// Quantile returns a duration that a share q of the added durations does not exceed.
// It is at most a fifth above the exact quantile, and 0 if nothing was added.
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

// Pack encodes the classes that are in use: the number of the first one, then 16 bits
// for each class.
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

// UnpackHistogram decodes what Pack encoded. It ignores classes that do not exist.
func UnpackHistogram(packed []byte) (h Histogram) {
	if len(packed) == 0 {
		return h
	}
	for class, rest := int(packed[0]), packed[1:]; len(rest) >= 2 && class < histogramClasses; class, rest = class+1, rest[2:] {
		h[class] = binary.BigEndian.Uint16(rest)
	}
	return h
}
