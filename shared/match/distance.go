package match

import "math/bits"

// pattern is a word prepared for being compared with many others: the places of
// each of its bytes, one bit a place. Only words of up to 64 bytes have one.
type pattern struct {
	n    int
	mask [128]uint64
}

// longest is the longest word that is compared letter by letter.
const longest = 64

func (p *pattern) set(word string) {
	*p = pattern{n: len(word)}
	for i := range len(word) {
		p.mask[word[i]&127] |= 1 << i
	}
}

// distance is the number of single-letter insertions, deletions, substitutions
// and swaps of neighbours that make word out of the pattern (optimal string
// alignment), computed a whole column at a time after Hyyrö (2003).
func (p *pattern) distance(word string) int {
	if p.n == 0 {
		return len(word)
	}
	var (
		vp, vn, d0, before uint64 = ^uint64(0), 0, 0, 0
		dist                      = p.n
		last                      = uint64(1) << (p.n - 1)
	)
	for i := range len(word) {
		here := p.mask[word[i]&127]
		swapped := (^d0 & here << 1) & before
		d0 = ((here&vp + vp) ^ vp) | here | vn | swapped
		hp := vn | ^(d0 | vp)
		hn := d0 & vp
		if hp&last != 0 {
			dist++
		}
		if hn&last != 0 {
			dist--
		}
		hp = hp<<1 | 1
		hn <<= 1
		vp = hn | ^(d0 | hp)
		vn = hp & d0
		before = here
	}
	return dist
}

// similarity is 1 for the same word and falls with the distance's share of the
// longer one. Whatever is at or below floor may come out as 0.
func (p *pattern) similarity(word string, floor float64) float64 {
	longer := max(p.n, len(word))
	if longer == 0 {
		return 0
	}
	if p.n > longest || len(word) > longest {
		return 0
	}
	if apart := max(p.n-len(word), len(word)-p.n); float64(apart) > (1-floor)*float64(longer) {
		return 0
	}
	return 1 - float64(p.distance(word))/float64(longer)
}

// letters has a bit for every letter and digit that is in word. Two words within
// distance d differ in at most d of them each way.
func letters(word string) uint64 {
	var set uint64
	for i := range len(word) {
		c := word[i]
		if letter(c) {
			set |= 1 << (c - 'a')
		} else {
			set |= 1 << (26 + c&15)
		}
	}
	return set
}

// lettersOnly is the greatest set without a digit.
const lettersOnly = 1<<26 - 1

// missing counts the letters of a that b lacks.
func missing(a, b uint64) int { return bits.OnesCount64(a &^ b) }
