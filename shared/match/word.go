package match

// queryWord is a word of a query, prepared for comparing it with many others.
type queryWord struct {
	text string

	// read is the word with digits read as the letters that they resemble: "V0R0NTSEV"
	// is "vorontsev". It is the text itself in a word of letters, and empty in a number
	// and in any other word that cannot be read so.
	read    string
	letters uint64 // the letter set of read
	pattern pattern
}

func (q *queryWord) set(text string) {
	q.text, q.read = text, readDigits(text)
	q.letters = letterSet(q.read)
	q.pattern.set(q.read)
}

// similarity returns the similarity of q and v. It is 0 for different words.
func (q *queryWord) similarity(v string) float64 {
	switch {
	case q.text == v:
		return 1
	case q.read == "":
		return 0 // a different number is a different thing: "Unit 731" is not "Unit 732"
	case len(q.text) == 1 || len(v) == 1:
		if q.read[0] == v[0] && !hasDigit(v) {
			return initialSimilarity
		}
		return 0
	case tooDifferentLengths(len(q.read), len(v)), hasDigit(v):
		return 0
	}
	s := q.pattern.similarity(v, wordFloor)
	if q.read == v {
		s = 1 // also of a word that is too long for a pattern
	}
	if q.read != q.text {
		s *= readFactor
	}
	if s < wordFloor {
		return 0
	}
	return s
}

// readDigits returns word with its digits read as letters. It returns "" for a number
// and for a word with a digit that resembles no letter.
func readDigits(word string) string {
	if !hasDigit(word) {
		return word
	}
	read, isNumber := []byte(word), true
	for i, c := range read {
		if !digit(c) {
			isNumber = false
		} else if read[i] = resembles[c-'0']; read[i] == 0 {
			return ""
		}
	}
	if isNumber {
		return ""
	}
	return string(read)
}

// resembles has the letter that each digit resembles, or 0.
var resembles = [10]byte{0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', 8: 'b'}
