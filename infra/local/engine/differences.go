package engine

// differences says what an engine does in another way than AWS, so that a test of
// the whole service cannot pass on it: by engine, then by the name of the test or of its check.
var differences = map[string]map[string]string{
	"localstack": {
		"TestConformance: unsupported_method": "LocalStack's gateway answers TRACE itself, with the problem not-found",
	},
}

// Difference returns why a test cannot pass on the chosen engine, or "" if it can.
func Difference(test string) (reason string) { return differences[Name()][test] }
