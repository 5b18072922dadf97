package match

import (
	"cmp"
	"slices"
	"sync"
)

// Index finds, among many names, all that a query scores high against. It gives
// exactly what comparing the query with every name would give, and compares it
// with few. It never changes and is safe for concurrent use.
type Index struct {
	names []Name

	// The distinct words of all names, shorter ones first. Word w has the
	// letters sets[w] and occurs in names posts[first[w]:first[w+1]]; words of
	// n letters are from ofLength[n] to ofLength[n+1].
	words    []string
	sets     []uint64
	first    []int32
	posts    []int32
	ofLength []int32
	byWord   map[string]int32

	joined []joinedForm // of each name

	scratch sync.Pool // of *search
}

// joinedForm is what is known of a name without its spaces.
type joinedForm struct {
	length int
	set    uint64
}

// Hit is a name that the query scores high enough against.
type Hit struct {
	At    int // index in the names given to NewIndex
	Value float64
}

// NewIndex returns an index of names, which it keeps.
func NewIndex(names []Name) *Index {
	x := &Index{names: names, joined: make([]joinedForm, len(names))}
	total := 0
	for i, n := range names {
		var j joinedForm
		for _, w := range n.Words {
			j.length += len(w)
			j.set |= letters(w)
		}
		x.joined[i] = j
		total += len(n.Words)
	}

	occurrences := x.collect(total)
	x.first = make([]int32, len(x.words)+1)
	for _, w := range occurrences {
		x.first[w+1]++
	}
	for w := range x.words {
		x.first[w+1] += x.first[w]
	}
	x.posts = make([]int32, total)
	next := slices.Clone(x.first)
	at := 0
	for i, n := range names {
		for range n.Words {
			w := occurrences[at]
			x.posts[next[w]] = int32(i)
			next[w]++
			at++
		}
	}
	x.scratch.New = func() any { return newSearch(len(names)) }
	return x
}

// collect fills the table of distinct words and returns, for every word of every
// name in turn, its place in the table.
func (x *Index) collect(total int) []int32 {
	x.byWord = make(map[string]int32, total/3)
	occurrences := make([]int32, 0, total)
	var found []string
	for _, n := range x.names {
		for _, w := range n.Words {
			id, ok := x.byWord[w]
			if !ok {
				id = int32(len(found))
				x.byWord[w] = id
				found = append(found, w)
			}
			occurrences = append(occurrences, id)
		}
	}

	longestWord := 0
	for _, w := range found {
		longestWord = max(longestWord, len(w))
	}
	x.ofLength = make([]int32, longestWord+2)
	for _, w := range found {
		x.ofLength[len(w)+1]++
	}
	for n := range longestWord + 1 {
		x.ofLength[n+1] += x.ofLength[n]
	}
	x.words, x.sets = make([]string, len(found)), make([]uint64, len(found))
	next := slices.Clone(x.ofLength)
	moved := make([]int32, len(found))
	for id, w := range found {
		to := next[len(w)]
		next[len(w)]++
		x.words[to], x.sets[to], moved[id] = w, letters(w), to
	}
	for w, id := range x.byWord {
		x.byWord[w] = moved[id]
	}
	for i, id := range occurrences {
		occurrences[i] = moved[id]
	}
	return occurrences
}

// Search returns every name that the query scores at least least against, the
// best first, names of equal score in their own order.
func (x *Index) Search(query Name, least float64) []Hit {
	if len(query.Words) == 0 {
		return nil
	}
	s := x.scratch.Get().(*search)
	defer x.scratch.Put(s)
	s.reset(query)

	if !x.byWords(s, least) {
		return x.compare(s, least, func(try func(int32)) {
			for i := range x.names {
				try(int32(i))
			}
		})
	}
	return x.compare(s, least, func(try func(int32)) {
		for _, n := range s.touched {
			if s.total[n] >= s.needed {
				try(n)
			}
		}
		x.byJoined(s, least, try)
	})
}

// search is what one Search works on.
type search struct {
	q       Query
	needed  float64   // what a name's gains have to come to
	total   []float64 // by name: gains of the query's words so far
	gain    []float64 // by name: best gain of the word at hand
	touched []int32   // names with a total
	gained  []int32   // names with a gain
	tried   []bool    // by name: compared already
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

// byWords adds up, for every name that shares a similar word with the query, the
// most that its words can gain it. With s the similarity of a pair and w its
// weight, a score of least or more means that
//
//	sum over pairs of (s-least)·w  >=  least · (letters that the other side lacks),
//
// so a name whose best pairs, one for each word of the query, do not gain
// (s-least)·w + least·len(word) for least times the query's length in all cannot
// reach it. byWords reports false if that excludes no name.
func (x *Index) byWords(s *search, least float64) bool {
	const rounding = 1e-9
	s.needed = -rounding
	for i, word := range s.q.name.Words[:min(len(s.q.name.Words), 64)] {
		own := float64(len(word))
		s.needed += least * own
		if len(word) == 1 {
			// An initial is like too many words to look them up; give it to all.
			s.needed -= max(1, least+max(0, initial-least)*longest)
			continue
		}
		x.similar(&s.q.words[i], word, func(w int32, similarity float64) {
			weight := (own + float64(len(x.words[w]))) / 2
			gain := (similarity-least)*weight + least*own
			for _, n := range x.posts[x.first[w]:x.first[w+1]] {
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

// similar calls yield for every word of the index that word may be paired with.
func (x *Index) similar(p *pattern, word string, yield func(w int32, similarity float64)) {
	if w, ok := x.byWord[word]; ok {
		yield(w, 1)
	}
	if hasDigit(word) {
		return
	}
	for w := x.length(1); w < x.length(2); w++ {
		if x.words[w] != word && x.words[w][0] == word[0] {
			yield(w, initial)
		}
	}
	if len(word) > longest {
		return
	}
	set := letters(word)
	for n := 2; n <= longest && n < len(x.ofLength)-1; n++ {
		far := reach(max(n, len(word)))
		if tooFar(n, len(word)) {
			continue
		}
		for w := x.length(n); w < x.length(n+1); w++ {
			if missing(set, x.sets[w]) > far || missing(x.sets[w], set) > far || x.sets[w] > lettersOnly {
				continue
			}
			if s := p.similarity(x.words[w], floor); s >= floor && s < 1 {
				yield(w, s)
			}
		}
	}
}

// length is where the words of n letters begin.
func (x *Index) length(n int) int32 {
	return x.ofLength[min(n, len(x.ofLength)-1)]
}

// byJoined tries the names that may be the query with other spaces.
func (x *Index) byJoined(s *search, least float64, try func(int32)) {
	length, set := s.q.joined.n, uint64(0)
	if length == 0 || least > joinedWorth {
		return
	}
	for _, w := range s.q.name.Words {
		set |= letters(w)
	}
	for n, j := range x.joined {
		far := max(length, j.length) / 10 // as joinedFloor allows
		if j.length-length > far || length-j.length > far || missing(set, j.set) > far || missing(j.set, set) > far {
			continue
		}
		try(int32(n))
	}
}

// compare scores the names that candidates gives it, each once.
func (x *Index) compare(s *search, least float64, candidates func(try func(int32))) []Hit {
	var hits []Hit
	var tried []int32
	candidates(func(n int32) {
		if s.tried[n] {
			return
		}
		s.tried[n] = true
		tried = append(tried, n)
		if v := s.q.Value(x.names[n]); v >= least {
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
