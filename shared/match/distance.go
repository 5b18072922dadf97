package match

import "math/bits"

// maxWord is the length of the longest word that is compared letter by letter. A
// longer word is similar only to itself.
const maxWord = 64

// pattern is a word prepared for computing its distance to many others: for each
// byte value, the positions of that byte in the word, one bit per position. The
// pattern of a word longer than maxWord is empty.
type pattern struct {
	n    int // length of the word
	mask [128]uint64
}

func (p *pattern) set(word string) {
	if len(word) > maxWord {
		word = ""
	}
	*p = pattern{n: len(word)}
	for i := range len(word) {
		p.mask[word[i]&127] |= 1 << i
	}
}

// distance returns the number of single-letter insertions, deletions,
// substitutions and swaps of neighbors that change the pattern's word into word.
// This is the optimal string alignment distance, computed one column at a time
// after H. Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau
// edit distances" (2003). The variables have the paper's names.
func (p *pattern) distance(word string) int {
	if p.n == 0 {
		return len(word)
	}
	var (
		vp, vn, d0, pmBefore uint64 = ^uint64(0), 0, 0, 0
		dist                        = p.n
		last                        = uint64(1) << (p.n - 1)
	)
	for i := range len(word) {
		pm := p.mask[word[i]&127]
		tr := (^d0 & pm << 1) & pmBefore // swaps
		d0 = ((pm&vp + vp) ^ vp) | pm | vn | tr
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
		pmBefore = pm
	}
	return dist
}

// similarity returns 1 for the same word, and otherwise 1 minus the distance
// divided by the length of the longer word. A result below floor may be returned
// as 0.
func (p *pattern) similarity(word string, floor float64) float64 {
	longer := max(p.n, len(word))
	if longer == 0 || longer > maxWord {
		return 0
	}
	if difference := max(p.n-len(word), len(word)-p.n); float64(difference) > (1-floor)*float64(longer) {
		return 0
	}
	return 1 - float64(p.distance(word))/float64(longer)
}

// letterSet returns a set with one bit for each letter and digit in word. If the
// distance of two words is d, each has at most d letters that the other lacks.
func letterSet(word string) uint64 {
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

// allLetters is the letter set with every letter. A greater set has a digit.
const allLetters = 1<<26 - 1

// countMissing returns the number of letters in set a that are not in set b.
func countMissing(a, b uint64) int { return bits.OnesCount64(a &^ b) }
