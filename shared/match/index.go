package match

import (
	"slices"
	"sync"
)

// Index finds all names that score high against a query. The result is exactly
// that of comparing the query with every name, but only a few are compared. An
// index never changes and is safe for concurrent use.
type Index struct {
	names []Name

	// The distinct words of all names, the shortest first. A word's id is its index
	// here. Word w has the letters letterSets[w] and occurs in the names
	// postings[firstPosting[w]:firstPosting[w+1]]. The words of n letters are
	// words[firstOfLength[n]:firstOfLength[n+1]].
	words         []string
	letterSets    []uint64
	firstPosting  []int32
	postings      []int32
	firstOfLength []int32
	ids           map[string]int32 // from a word to its id

	// The names in which word w is the rarest are byRarest[firstByRarest[w]:firstByRarest[w+1]].
	firstByRarest []int32
	byRarest      []int32

	joined []joinedForm // of each name

	searches sync.Pool // of *search, for reuse
}

// joinedForm describes a name without its spaces.
type joinedForm struct {
	length  int
	letters uint64 // its letter set
}

// NewIndex returns an index of names. It keeps the slice.
func NewIndex(names []Name) *Index {
	x := &Index{names: names, joined: make([]joinedForm, len(names))}
	total := 0
	for i, n := range names {
		var j joinedForm
		for _, w := range n.compared().Words {
			j.length += len(w)
			j.letters |= letterSet(w)
		}
		x.joined[i] = j
		total += len(n.Words)
	}

	occurrences := x.collectWords(total)
	x.firstPosting = make([]int32, len(x.words)+1)
	for _, w := range occurrences {
		x.firstPosting[w+1]++
	}
	for w := range x.words {
		x.firstPosting[w+1] += x.firstPosting[w]
	}
	x.postings = make([]int32, total)
	next := slices.Clone(x.firstPosting)
	at := 0
	for i, n := range names {
		for range n.Words {
			w := occurrences[at]
			x.postings[next[w]] = int32(i)
			next[w]++
			at++
		}
	}
	x.addRarest()
	x.searches.New = func() any { return newSearch(len(x.words), len(names)) }
	return x
}

// collectWords fills the table of distinct words, and returns the ids of the words
// of all names, one name after the other.
func (x *Index) collectWords(total int) []int32 {
	x.ids = make(map[string]int32, total/3)
	occurrences := make([]int32, 0, total)
	var found []string
	for _, n := range x.names {
		for _, w := range n.Words {
			id, ok := x.ids[w]
			if !ok {
				id = int32(len(found))
				x.ids[w] = id
				found = append(found, w)
			}
			occurrences = append(occurrences, id)
		}
	}

	longestWord := 0
	for _, w := range found {
		longestWord = max(longestWord, len(w))
	}
	x.firstOfLength = make([]int32, longestWord+2)
	for _, w := range found {
		x.firstOfLength[len(w)+1]++
	}
	for n := range longestWord + 1 {
		x.firstOfLength[n+1] += x.firstOfLength[n]
	}
	x.words, x.letterSets = make([]string, len(found)), make([]uint64, len(found))
	next := slices.Clone(x.firstOfLength)
	moved := make([]int32, len(found))
	for id, w := range found {
		to := next[len(w)]
		next[len(w)]++
		x.words[to], x.letterSets[to], moved[id] = w, letterSet(w), to
	}
	for w, id := range x.ids {
		x.ids[w] = moved[id]
	}
	for i, id := range occurrences {
		occurrences[i] = moved[id]
	}
	return occurrences
}

// firstOf returns the id of the first word of n letters.
func (x *Index) firstOf(n int) int32 {
	return x.firstOfLength[min(n, len(x.firstOfLength)-1)]
}
