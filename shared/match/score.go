package match

import "slices"

// Score says how alike two names are, and why.
type Score struct {
	Value  float64 // 0 to 1
	Method Method
	Pairs  []Pair // the words that were held to be the same, best first; none for MethodJoined
}

// Method is what a score rests on.
type Method string

const (
	MethodExact  Method = "exact"  // the same words in the same order
	MethodWords  Method = "words"  // word by word, in any order
	MethodJoined Method = "joined" // without spaces, for names cut into words differently
)

// Pair is a word of the query and the candidate's word that it was matched with.
type Pair struct {
	Query, Candidate string
	Similarity       float64
}

// How words weigh. They come from measurements on labelled pairs; the test on
// those pairs fails if a change makes them worse.
const (
	floor        = 0.65 // words less alike than this are different words
	initial      = 0.75 // "J" for "John"
	lackingQuery = 1.0  // weight of a letter of the query that the candidate lacks
	lackingOther = 0.4  // weight of a letter of the candidate that the query lacks
	joinedFloor  = 0.9  // names less alike than this without spaces do not differ in spacing alone
	joinedWorth  = 0.98 // of a likeness that shows only without spaces
)

// Organization compares two names of organisations. It is not quite symmetric:
// words that the candidate lacks cost more than words that it has besides.
func Organization(query, candidate string) Score {
	return Compare(OrganizationName(query), OrganizationName(candidate))
}

// Person compares two names of people, like Organization.
func Person(query, candidate string) Score {
	return Compare(PersonName(query), PersonName(candidate))
}

// Compare compares two prepared names.
func Compare(query, candidate Name) Score {
	var q Query
	q.Set(query)
	return q.Compare(candidate)
}

// Query is a name prepared for being compared with many others. It is not safe
// for concurrent use.
type Query struct {
	name   Name
	exact  string
	words  []pattern
	joined pattern

	sims  []float64 // scratch: similarity of word i of the query and j of the candidate
	pairs []pairing // scratch
}

type pairing struct{ q, c int }

// Set makes q the query for name.
func (q *Query) Set(name Name) {
	q.name, q.exact = name, name.String()
	q.words = make([]pattern, len(name.Words))
	for i, w := range name.Words {
		q.words[i].set(clip(w))
	}
	q.joined.set(clip(name.Joined()))
}

// Compare scores one candidate and explains the score.
func (q *Query) Compare(candidate Name) Score {
	value, method := q.value(candidate)
	s := Score{Value: value, Method: method}
	if method == MethodJoined {
		return s
	}
	for _, p := range q.pairs {
		s.Pairs = append(s.Pairs, Pair{
			Query: q.name.Words[p.q], Candidate: candidate.Words[p.c],
			Similarity: q.sims[p.q*len(candidate.Words)+p.c],
		})
	}
	return s
}

// Value is Compare without the explanation, and does not allocate.
func (q *Query) Value(candidate Name) float64 {
	v, _ := q.value(candidate)
	return v
}

func (q *Query) value(c Name) (float64, Method) {
	byWords := q.byWords(c)
	if byWords == 1 && sameOrder(q.name, c) {
		return 1, MethodExact
	}
	if joined := joinedWorth * q.byJoined(c); joined > byWords {
		return joined, MethodJoined
	}
	return byWords, MethodWords
}

// byWords pairs the words greedily, the most alike first, each once, and weighs
// pairs and leftovers by their length.
func (q *Query) byWords(c Name) float64 {
	q.compareWords(c)
	q.pairs = q.pairs[:0]
	n := len(c.Words)
	var got, of float64
	var takenQ, takenC uint64 // a name of more than 64 words is judged by its first 64
	for {
		best, at := 0.0, pairing{}
		for i := range min(len(q.words), 64) {
			if takenQ>>i&1 == 1 {
				continue
			}
			for j := range min(n, 64) {
				if takenC>>j&1 == 1 {
					continue
				}
				// Among equals the longer word goes first, so that order cannot matter.
				s := q.sims[i*n+j]
				if s > best || s == best && s > 0 && len(q.name.Words[i]) > len(q.name.Words[at.q]) {
					best, at = s, pairing{i, j}
				}
			}
		}
		if best == 0 {
			break
		}
		takenQ |= 1 << at.q
		takenC |= 1 << at.c
		q.pairs = append(q.pairs, at)
		weight := float64(len(q.name.Words[at.q])+len(c.Words[at.c])) / 2
		got += best * weight
		of += weight
	}
	for i, w := range q.name.Words {
		if i < 64 && takenQ>>i&1 == 0 {
			of += lackingQuery * float64(len(w))
		}
	}
	for j, w := range c.Words {
		if j < 64 && takenC>>j&1 == 0 {
			of += lackingOther * float64(len(w))
		}
	}
	if of == 0 {
		return 0
	}
	return got / of
}

// compareWords fills sims.
func (q *Query) compareWords(c Name) {
	n := len(q.words) * len(c.Words)
	if cap(q.sims) < n {
		q.sims = make([]float64, n)
	}
	q.sims = q.sims[:n]
	for i, w := range q.name.Words {
		for j, v := range c.Words {
			q.sims[i*len(c.Words)+j] = wordSimilarity(&q.words[i], w, v)
		}
	}
}

// wordSimilarity is 0 for words that are not held to be the same.
func wordSimilarity(p *pattern, w, v string) float64 {
	switch {
	case w == v:
		return 1
	case len(w) == 1 || len(v) == 1:
		if w[0] == v[0] && letter(w[0]) && !hasDigit(w) && !hasDigit(v) {
			return initial
		}
		return 0
	case tooFar(len(w), len(v)), hasDigit(w), hasDigit(v):
		return 0 // another number is another thing: "Unit 731" is not "Unit 732"
	}
	if s := p.similarity(v, floor); s >= floor {
		return s
	}
	return 0
}

// tooFar reports whether words of these lengths cannot be alike.
func tooFar(a, b int) bool { return max(a-b, b-a) > reach(max(a, b)) }

// reach is the distance up to which words are alike, of which the longer has n
// letters.
func reach(n int) int { return int((1-floor)*float64(n) + 1e-9) }

// byJoined compares the names without their spaces.
func (q *Query) byJoined(c Name) float64 {
	n := 0
	for _, w := range c.Words {
		n += len(w)
	}
	if n == 0 || n > longest || q.joined.n == 0 {
		return 0
	}
	if apart := max(n-q.joined.n, q.joined.n-n); float64(apart) > (1-joinedFloor)*float64(max(n, q.joined.n)) {
		return 0
	}
	var buf [longest]byte
	joined := buf[:0]
	for _, w := range c.Words {
		joined = append(joined, w...)
	}
	if !sameDigits(q.exact, c) {
		return 0
	}
	if s := q.joined.similarity(string(joined), joinedFloor); s >= joinedFloor {
		return s
	}
	return 0
}

// sameOrder reports whether two names have the same words in the same order.
func sameOrder(a, b Name) bool { return slices.Equal(a.Words, b.Words) }

// sameDigits reports whether the digits of c, read on end, are those of s.
func sameDigits(s string, c Name) bool {
	i := 0
	next := func() byte {
		for i < len(s) && !digit(s[i]) {
			i++
		}
		if i == len(s) {
			return 0
		}
		i++
		return s[i-1]
	}
	for _, w := range c.Words {
		for j := range len(w) {
			if digit(w[j]) && w[j] != next() {
				return false
			}
		}
	}
	return next() == 0
}

func hasDigit(w string) bool {
	for i := range len(w) {
		if digit(w[i]) {
			return true
		}
	}
	return false
}

// clip shortens a word that is too long to be compared letter by letter; it then
// matches nothing but itself.
func clip(w string) string {
	if len(w) > longest {
		return ""
	}
	return w
}
