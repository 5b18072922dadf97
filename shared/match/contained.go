package match

import "slices"

// commonWord is the number of names from which on a word is too common to identify a
// name.
const commonWord = 20

// Contained returns the names that stand inside a longer query, in the order given to
// NewIndex: all their words are in the query, spelled the same, and at least two of
// them are different. The words may stand anywhere in the query, unless all of them are
// common in the index; then they must stand together and in order, as "global energy"
// does in "Big Global Energy" and does not in "New Energy Global".
//
// Search does not find such a name, because the query's other words lower its score.
// Contained looks at all of the query's words, also beyond MaxWords.
func (x *Index) Contained(query Name) []int {
	found, _ := x.contained(query)
	return found
}

// contained also returns the number of words that it looked at.
func (x *Index) contained(query Name) (found []int, steps int) {
	read := make([]string, len(query.Words)) // the words with digits read as letters
	has := make(map[string]bool, len(query.Words))
	for i, w := range query.Words {
		read[i] = readDigits(w)
		has[w], has[read[i]] = true, true
	}
	for w := range has {
		id, ok := x.ids[w]
		if !ok {
			continue
		}
		common := x.firstPosting[id+1]-x.firstPosting[id] >= commonWord
		for _, n := range x.byRarest[x.firstByRarest[id]:x.firstByRarest[id+1]] {
			words := x.names[n].Words
			steps += len(words)
			if !containsAll(has, words) || !differ(words) {
				continue
			}
			if common {
				steps += len(query.Words)
			}
			if !common || inOrder(words, query.Words, read) {
				found = append(found, int(n))
			}
		}
	}
	slices.Sort(found)
	return found, steps + len(query.Words)
}

func containsAll(set map[string]bool, words []string) bool {
	for _, w := range words {
		if !set[w] {
			return false
		}
	}
	return true
}

// differ reports whether there are two different words.
func differ(words []string) bool {
	for _, w := range words {
		if w != words[0] {
			return true
		}
	}
	return false
}

// inOrder reports whether words stand next to each other in the query, in this order.
// read are the query's words with digits read as letters.
func inOrder(words, query, read []string) bool {
next:
	for start := range len(query) - len(words) + 1 {
		for i, w := range words {
			if query[start+i] != w && read[start+i] != w {
				continue next
			}
		}
		return true
	}
	return false
}

// addRarest fills the table of each word's names: those in which no other word is
// rarer. Each name is there once.
func (x *Index) addRarest() {
	rarest := make([]int32, len(x.names)) // by name
	x.firstByRarest = make([]int32, len(x.words)+1)
	total := int32(0)
	for n, name := range x.names {
		rarest[n] = -1
		for _, w := range name.Words {
			id := x.ids[w]
			if at := rarest[n]; at < 0 || x.firstPosting[id+1]-x.firstPosting[id] < x.firstPosting[at+1]-x.firstPosting[at] {
				rarest[n] = id
			}
		}
		if rarest[n] >= 0 {
			x.firstByRarest[rarest[n]+1]++
			total++
		}
	}
	for w := range x.words {
		x.firstByRarest[w+1] += x.firstByRarest[w]
	}
	x.byRarest = make([]int32, total)
	next := slices.Clone(x.firstByRarest)
	for n, w := range rarest {
		if w >= 0 {
			x.byRarest[next[w]] = int32(n)
			next[w]++
		}
	}
}
