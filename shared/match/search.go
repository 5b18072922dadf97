package match

import (
	"cmp"
	"slices"
)

// Hit is a name that scores high enough against the query.
type Hit struct {
	At    int // index in the names given to NewIndex
	Value float64
}

// Search returns every name with a score of at least minScore, the best first.
// Names of equal score are in the order given to NewIndex.
func (x *Index) Search(query Name, minScore float64) []Hit {
	if len(query.Words) == 0 {
		return nil
	}
	s := x.searches.Get().(*search)
	defer x.searches.Put(s)
	s.reset(query)

	if !x.addGains(s, minScore) {
		return x.compare(s, minScore, func(try func(int32)) {
			for i := range x.names {
				try(int32(i))
			}
		})
	}
	return x.compare(s, minScore, func(try func(int32)) {
		for _, n := range s.touched {
			if s.total[n] >= s.needed {
				try(n)
			}
		}
		x.tryJoined(s, minScore, try)
	})
}

// search is the working memory of one Search. Names are by index.
type search struct {
	q       Query
	needed  float64   // the gains that a name must have in total
	total   []float64 // by name: gains of the query's words so far
	gain    []float64 // by name: best gain of the current word
	touched []int32   // names with a total
	gained  []int32   // names with a gain
	tried   []bool    // by name: already compared
}

func newSearch(names int) *search {
	return &search{total: make([]float64, names), gain: make([]float64, names), tried: make([]bool, names)}
}

func (s *search) reset(query Name) {
	for _, n := range s.touched {
		s.total[n] = 0
	}
	s.touched = s.touched[:0]
	s.q.Set(query)
}

// addGains adds up, for every name that has a word similar to one of the query's,
// how much the query's words gain there. With s the similarity of a pair and w its
// weight, a score of minScore or more means that
//
//	sum over pairs of (s-minScore)·w  >=  minScore · (letters of the query's unpaired words).
//
// Let each word of the query gain (s-minScore)·w + minScore·len(word) from its best
// pair in a name. Then a name whose gains total less than minScore times the
// query's length cannot reach minScore. addGains returns false if this rule
// excludes no name.
func (x *Index) addGains(s *search, minScore float64) bool {
	const rounding = 1e-9
	s.needed = -rounding
	for i, word := range s.q.name.Words[:min(len(s.q.name.Words), maxWords)] {
		own := float64(len(word))
		s.needed += minScore * own
		if len(word) == 1 {
			// An initial is similar to too many words to look them up. Every name gets
			// the most that it can gain.
			s.needed -= max(1, minScore+max(0, initialSimilarity-minScore)*maxWord)
			continue
		}
		x.similarWords(&s.q.words[i], word, func(w int32, similarity float64) {
			weight := (own + float64(len(x.words[w]))) / 2
			gain := (similarity-minScore)*weight + minScore*own
			for _, n := range x.postings[x.firstPosting[w]:x.firstPosting[w+1]] {
				if s.gain[n] == 0 {
					s.gained = append(s.gained, n)
				}
				s.gain[n] = max(s.gain[n], gain)
			}
		})
		for _, n := range s.gained {
			if s.total[n] == 0 {
				s.touched = append(s.touched, n)
			}
			s.total[n] += s.gain[n]
			s.gain[n] = 0
		}
		s.gained = s.gained[:0]
	}
	return s.needed > 0
}

// similarWords calls yield for every word of the index that can be paired with
// word, which must be longer than one letter. p is its pattern.
func (x *Index) similarWords(p *pattern, word string, yield func(w int32, similarity float64)) {
	if w, ok := x.ids[word]; ok {
		yield(w, 1)
	}
	if hasDigit(word) {
		return
	}
	for w := x.firstOf(1); w < x.firstOf(2); w++ {
		if x.words[w][0] == word[0] {
			yield(w, initialSimilarity)
		}
	}
	if len(word) > maxWord {
		return
	}
	letters := letterSet(word)
	for n := 2; n <= maxWord && n < len(x.firstOfLength)-1; n++ {
		if tooDifferentLengths(n, len(word)) {
			continue
		}
		distance := maxDistance(max(n, len(word)))
		for w := x.firstOf(n); w < x.firstOf(n+1); w++ {
			other := x.letterSets[w]
			if countMissing(letters, other) > distance || countMissing(other, letters) > distance || other > allLetters {
				continue
			}
			if s := p.similarity(x.words[w], wordFloor); s >= wordFloor && s < 1 {
				yield(w, s)
			}
		}
	}
}

// tryJoined tries the names that may equal the query except for spaces.
func (x *Index) tryJoined(s *search, minScore float64, try func(int32)) {
	length, letters := s.q.joined.n, uint64(0)
	if length == 0 || minScore > joinedFactor {
		return
	}
	for _, w := range s.q.name.Words {
		letters |= letterSet(w)
	}
	for n, j := range x.joined {
		distance := max(length, j.length) / 10 // the most that joinedFloor allows
		if j.length-length > distance || length-j.length > distance ||
			countMissing(letters, j.letters) > distance || countMissing(j.letters, letters) > distance {
			continue
		}
		try(int32(n))
	}
}

// compare scores the names that candidates passes to try, each once.
func (x *Index) compare(s *search, minScore float64, candidates func(try func(int32))) []Hit {
	var hits []Hit
	var tried []int32
	candidates(func(n int32) {
		if s.tried[n] {
			return
		}
		s.tried[n] = true
		tried = append(tried, n)
		if v := s.q.Value(x.names[n]); v >= minScore {
			hits = append(hits, Hit{At: int(n), Value: v})
		}
	})
	for _, n := range tried {
		s.tried[n] = false
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.At, b.At))
	})
	return hits
}
