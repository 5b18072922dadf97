package httpapi

import (
	"bytes"
	"encoding/json"
)

// maxAnswer is the most bytes that an answer's body may have. A function's
// answer has at most 6 MB, headers included (docs.aws.amazon.com/lambda, quotas),
// and the body travels in it as a JSON string, in which a quotation mark and a
// backslash take two bytes and nothing in a body of ours takes more: twice this
// leaves a megabyte for the rest. A test holds it against the worst of each
// answer.
const maxAnswer = 2_500_000

// How the parts of an answer share its room, in bytes. What is left over is for
// what does not grow.
const (
	pageRoom       = 2_400_000 // the rows of a list
	faultsRoom     = 1_000_000
	duplicatesRoom = 400_000
	previewRoom    = 1_000_000
)

// fitting is how many of the rows, in their order, have room in so many bytes.
// One that cannot be encoded takes none; the answer will say so.
func fitting[T any](rows []T, room int) int {
	for i := range rows {
		encoded, _ := plainJSON(rows[i])
		if room -= len(encoded) + 1; room < 0 {
			return i
		}
	}
	return len(rows)
}

// plainJSON is v as our answers have it: what HTML would read otherwise stands as
// it is.
func plainJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
