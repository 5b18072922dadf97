package match

import (
	"cmp"
	"context"
	"slices"
)

// Hit is a name that scores high enough against the query.
type Hit struct {
	At    int // index in the names given to NewIndex
	Value float64
}

// Search returns every name with a score of at least minScore, the best first.
// Names of equal score are in the order given to NewIndex. It returns ctx's error
// soon after ctx ends.
func (x *Index) Search(ctx context.Context, query Name, minScore float64) ([]Hit, error) {
	if len(query.Words) == 0 {
		return nil, nil
	}
	s := x.searches.Get().(*search)
	defer x.searches.Put(s)
	s.reset(query)
	if err := x.addGains(ctx, s, minScore); err != nil {
		return nil, err
	}
	return x.compare(ctx, s, minScore)
}

// search is the working memory of one Search.
type search struct {
	q       Query
	needed  float64   // the gains that a name must have in total
	gain    []float64 // by word of the index: the best gain of any word of the query
	similar []int32   // words with a gain
	total   []float64 // by name: the gains of its words
	touched []int32   // names with a total
	tried   []bool    // by name: already compared

	// steps counts what the search looked at: words of the index, names of the index,
	// and pairs of words.
	steps int
}

func newSearch(words, names int) *search {
	return &search{gain: make([]float64, words), total: make([]float64, names), tried: make([]bool, names)}
}

func (s *search) reset(query Name) {
	for _, w := range s.similar {
		s.gain[w] = 0
	}
	for _, n := range s.touched {
		s.total[n] = 0
	}
	s.similar, s.touched, s.steps = s.similar[:0], s.touched[:0], 0
	s.q.Set(query)
}

// addGains adds up, for every name that has a word similar to one of the query's,
// how much the name's words gain. With s the similarity of a pair and w its weight,
// a score of minScore or more means that
//
//	sum over pairs of (s-minScore)·w  >=  minScore · (letters of the query's unpaired words).
//
// Let each word of a name gain (s-minScore)·w + minScore·(letters of the query's word)
// from the best pair that it can be in. Each word is in at most one pair, so a name
// whose gains total less than minScore times the query's length cannot reach
// minScore. However often the query repeats a word, a name gains from it once for
// each of its own words.
func (x *Index) addGains(ctx context.Context, s *search, minScore float64) error {
	const rounding = 1e-9
	s.needed = -rounding
	for i, word := range s.q.name.Words {
		if err := ctx.Err(); err != nil {
			return err
		}
		own := float64(len(word))
		s.needed += minScore * own
		if slices.Contains(s.q.name.Words[:i], word) {
			continue // it gains what it gained before
		}
		s.steps += x.similarWords(&s.q.words[i], func(w int32, similarity float64) {
			weight := (own + float64(len(x.words[w]))) / 2
			gain := (similarity-minScore)*weight + minScore*own
			if gain <= s.gain[w] {
				return
			}
			if s.gain[w] == 0 {
				s.similar = append(s.similar, w)
			}
			s.gain[w] = gain
		})
	}
	for _, w := range s.similar {
		names := x.postings[x.firstPosting[w]:x.firstPosting[w+1]]
		s.steps += len(names)
		for _, n := range names {
			if s.total[n] == 0 {
				s.touched = append(s.touched, n)
			}
			s.total[n] += s.gain[w]
		}
	}
	return nil
}

// similarWords calls yield for every word of the index that can be paired with q. It
// returns the number of words that it looked at.
func (x *Index) similarWords(q *queryWord, yield func(w int32, similarity float64)) (steps int) {
	if w, ok := x.ids[q.text]; ok {
		yield(w, 1)
	}
	if len(q.read) == 0 {
		return 1
	}
	for n := 1; n < len(x.firstOfLength)-1; n++ {
		initial := n == 1 || len(q.text) == 1
		if !initial && (n > maxWord || tooDifferentLengths(n, len(q.read))) {
			continue
		}
		distance := maxDistance(max(n, len(q.read)))
		first, end := x.firstOf(n), x.firstOf(n+1)
		steps += int(end - first)
		for w := first; w < end; w++ {
			other := x.letterSets[w]
			if other > allLetters || !initial && (countMissing(q.letters, other) > distance || countMissing(other, q.letters) > distance) {
				continue
			}
			if s := q.similarity(x.words[w]); s > 0 && x.words[w] != q.text {
				yield(w, s)
			}
		}
	}
	return steps
}

// betweenChecks is how many names are compared between two looks at the context.
const betweenChecks = 256

// compare scores the names that can reach minScore.
func (x *Index) compare(ctx context.Context, s *search, minScore float64) ([]Hit, error) {
	var hits []Hit
	var tried []int32
	defer func() {
		for _, n := range tried {
			s.tried[n] = false
		}
	}()
	try := func(n int32) {
		if s.tried[n] {
			return
		}
		s.tried[n] = true
		tried = append(tried, n)
		if v := s.q.Value(x.names[n]); v >= minScore {
			hits = append(hits, Hit{At: int(n), Value: v})
		}
		s.steps += len(s.q.similarities) * (2 + len(s.q.pairs))
	}
	s.steps += len(s.touched)
	for _, n := range s.touched {
		if s.total[n] < s.needed {
			continue
		}
		if len(tried)%betweenChecks == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		try(n)
	}
	x.tryJoined(s, minScore, try)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.At, b.At))
	})
	return hits, nil
}

// tryJoined tries the names that are similar enough to the query without spaces.
func (x *Index) tryJoined(s *search, minScore float64, try func(int32)) {
	length, letters := s.q.joined.n, uint64(0)
	if length == 0 || minScore > joinedFactor {
		return
	}
	for _, w := range s.q.name.Words {
		letters |= letterSet(w)
	}
	s.steps += len(x.joined)
	for n, j := range x.joined {
		distance := max(length, j.length) / 10 // the most that joinedFloor allows
		if j.length-length > distance || length-j.length > distance ||
			countMissing(letters, j.letters) > distance || countMissing(j.letters, letters) > distance {
			continue
		}
		s.steps++
		if joinedFactor*s.q.byJoined(x.names[n].compared()) >= minScore {
			try(int32(n))
		}
	}
}
