package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
)

const (
	// maxBody is the maximum size of a request body in bytes.
	maxBody = 5 << 20

	// maxAnswer is the maximum size of an answer's body in bytes. A function's answer is
	// limited to 6 MB, headers included (docs.aws.amazon.com/lambda, quotas), and contains
	// the body as a JSON string, in which a quotation mark or a backslash takes two bytes
	// and no other character in our bodies takes more. Twice maxAnswer leaves a megabyte
	// for the rest. A test checks the worst case of each answer.
	maxAnswer = 2_500_000
)

// The limits as texts show them.
var (
	maxBodyText   = fmt.Sprintf("%d MiB", maxBody>>20)
	maxAnswerText = fmt.Sprintf("%.1f MB", maxAnswer/1e6)
)

// Sizes of an answer's parts, in bytes. The remainder is for what does not grow.
const (
	pageRoom       = 2_400_000 // the rows of a list
	faultsRoom     = 1_000_000
	duplicatesRoom = 400_000
	previewRoom    = 1_000_000
)

// fitting returns how many of the rows, from the first on, fit into this many bytes. A
// row that cannot be encoded takes no room; writing the answer will report it.
func fitting[T any](rows []T, room int) int {
	for i := range rows {
		encoded, _ := rawJSON(rows[i])
		if room -= len(encoded) + 1; room < 0 {
			return i
		}
	}
	return len(rows)
}

// rawJSON encodes v as answers do, without HTML escaping.
func rawJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
