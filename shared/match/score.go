package match

import "slices"

// Score says how similar two names are, and why.
type Score struct {
	Value  float64 // 0 to 1
	Method Method
	Pairs  []Pair // the words that were considered the same, best first; none for MethodJoined
}

// Method is what a score is based on.
type Method string

const (
	MethodExact  Method = "exact"  // the same words in the same order
	MethodWords  Method = "words"  // word by word, in any order
	MethodJoined Method = "joined" // without spaces, for names that differ in where the spaces are
)

// Pair is a word of the query and the candidate's word that it was matched with.
type Pair struct {
	Query, Candidate string
	Similarity       float64
}

// The parameters of a score. A score by words is
//
//	sum of similarity × length over all pairs
//	-----------------------------------------------------------------
//	sum of length over all pairs + weighted length of the other words
//
// where a pair's length is the average of its two words. The values come from
// measurements on labeled pairs of names; TestLabeledPairs fails if a change
// makes the results worse.
const (
	wordFloor         = 0.65 // words less similar than this are different words
	initialSimilarity = 0.75 // of "J" and "John"
	readFactor        = 0.95 // for a word whose digits were read as letters
	missingWeight     = 1.0  // for words of the query that the candidate lacks
	extraWeight       = 0.4  // for words that only the candidate has

	// Names whose similarity without spaces is below joinedFloor differ in more than
	// spaces. Otherwise the similarity is multiplied by joinedFactor, so names that
	// differ only in spaces score 0.98.
	joinedFloor  = 0.9
	joinedFactor = 0.98
)

// MaxWords is the number of words of a name that are compared; the rest are ignored.
// No name on a real list has as many. A set of words fits into a uint64.
const MaxWords = 32

// Organization compares two names of organizations. The order of the arguments
// matters a little: a word that the candidate lacks lowers the score more than a
// word that only the candidate has.
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

// Query is a name prepared for comparing it with many others. It is not safe for
// concurrent use.
type Query struct {
	name   Name   // at most MaxWords words
	text   string // the name's words with spaces
	words  []queryWord
	joined pattern // the name without spaces

	// Reused from one candidate to the next.
	similarities []float64 // of word i of the query and word j of the candidate, at i*(candidate's words)+j
	pairs        []pairing
}

// pairing is a pair of words by their indexes.
type pairing struct{ q, c int }

// Set makes q the query for name.
func (q *Query) Set(name Name) {
	name = name.compared()
	q.name, q.text = name, name.String()
	q.words = make([]queryWord, len(name.Words))
	for i, w := range name.Words {
		q.words[i].set(w)
	}
	q.joined.set(name.Joined())
}

// compared returns the part of the name that is compared.
func (n Name) compared() Name { return Name{Words: n.Words[:min(len(n.Words), MaxWords)]} }

// Compare returns the candidate's score with its explanation.
func (q *Query) Compare(candidate Name) Score {
	candidate = candidate.compared()
	value, method := q.score(candidate)
	s := Score{Value: value, Method: method}
	if method == MethodJoined {
		return s
	}
	for _, p := range q.pairs {
		s.Pairs = append(s.Pairs, Pair{
			Query: q.name.Words[p.q], Candidate: candidate.Words[p.c],
			Similarity: q.similarities[p.q*len(candidate.Words)+p.c],
		})
	}
	return s
}

// Value returns the candidate's score without the explanation. It does not
// allocate.
func (q *Query) Value(candidate Name) float64 {
	v, _ := q.score(candidate.compared())
	return v
}

func (q *Query) score(c Name) (float64, Method) {
	byWords := q.byWords(c)
	if byWords == 1 && slices.Equal(q.name.Words, c.Words) {
		return 1, MethodExact
	}
	if joined := joinedFactor * q.byJoined(c); joined > byWords {
		return joined, MethodJoined
	}
	return byWords, MethodWords
}

// byWords returns the score by words, and leaves the pairs in q.pairs. Each word
// is in at most one pair, and the most similar words are paired first.
func (q *Query) byWords(c Name) float64 {
	q.compareWords(c)
	q.pairs = q.pairs[:0]
	var similar, total float64
	var pairedQ, pairedC uint64 // sets of words, by index
	for {
		p, similarity := q.closest(c, pairedQ, pairedC)
		if similarity == 0 {
			break
		}
		pairedQ |= 1 << p.q
		pairedC |= 1 << p.c
		q.pairs = append(q.pairs, p)
		weight := float64(len(q.name.Words[p.q])+len(c.Words[p.c])) / 2
		similar += similarity * weight
		total += weight
	}
	total = addUnpaired(total, missingWeight, q.name.Words, pairedQ)
	total = addUnpaired(total, extraWeight, c.Words, pairedC)
	if total == 0 {
		return 0
	}
	return similar / total
}

// closest returns the most similar words that are not paired yet. The similarity
// is 0 if no similar words are left.
func (q *Query) closest(c Name, pairedQ, pairedC uint64) (pairing, float64) {
	n := len(c.Words)
	best, at := 0.0, pairing{}
	for i := range q.words {
		if pairedQ>>i&1 == 1 {
			continue
		}
		for j := range n {
			if pairedC>>j&1 == 1 {
				continue
			}
			// Among equals the longer word is paired first, so that the order of the
			// words does not matter.
			s := q.similarities[i*n+j]
			if s > best || s == best && s > 0 && len(q.name.Words[i]) > len(q.name.Words[at.q]) {
				best, at = s, pairing{i, j}
			}
		}
	}
	return at, best
}

// addUnpaired adds to total the weighted length of each word that is not in the
// set paired.
func addUnpaired(total, weight float64, words []string, paired uint64) float64 {
	for i := range words {
		if paired>>i&1 == 0 {
			total += weight * float64(len(words[i]))
		}
	}
	return total
}

// compareWords fills q.similarities.
func (q *Query) compareWords(c Name) {
	n := len(q.words) * len(c.Words)
	if cap(q.similarities) < n {
		q.similarities = make([]float64, n)
	}
	q.similarities = q.similarities[:n]
	for i := range q.words {
		for j, v := range c.Words {
			q.similarities[i*len(c.Words)+j] = q.words[i].similarity(v)
		}
	}
}

// tooDifferentLengths reports whether words of these lengths cannot be similar.
func tooDifferentLengths(a, b int) bool { return max(a-b, b-a) > maxDistance(max(a, b)) }

// maxDistance returns the greatest distance of two similar words, where the longer
// word has n letters.
func maxDistance(n int) int { return int((1-wordFloor)*float64(n) + 1e-9) }

// byJoined returns the similarity of the names without their spaces, or 0 if it is
// below joinedFloor.
func (q *Query) byJoined(c Name) float64 {
	n := 0
	for _, w := range c.Words {
		n += len(w)
	}
	if n == 0 || n > maxWord || q.joined.n == 0 {
		return 0
	}
	if difference := max(n-q.joined.n, q.joined.n-n); float64(difference) > (1-joinedFloor)*float64(max(n, q.joined.n)) {
		return 0
	}
	if !sameDigits(q.text, c) {
		return 0
	}
	var buf [maxWord]byte
	joined := buf[:0]
	for _, w := range c.Words {
		joined = append(joined, w...)
	}
	if s := q.joined.similarity(string(joined), joinedFloor); s >= joinedFloor {
		return s
	}
	return 0
}

// sameDigits reports whether s and c contain the same digits in the same order.
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
