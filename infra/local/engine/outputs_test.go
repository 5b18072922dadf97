package engine

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseOutputs(t *testing.T) {
	t.Parallel()

	t.Run("functions are listed by the name of their folder", func(t *testing.T) {
		t.Parallel()

		got, err := parseOutputs([]byte(`{"stack": {"TableName": "t", "QueueUrl": "q", "ApiFunction": "a", "SweepOpenBatchesFunction": "s"}}`))
		if err != nil {
			t.Fatal(err)
		}
		want := Outputs{TableName: "t", QueueURL: "q", Functions: map[string]string{"api": "a", "sweep-open-batches": "s"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("parseOutputs() (-want +got):\n%s", diff)
		}
	})

	for name, data := range map[string]string{
		"a file without a stack is an error":    `{}`,
		"a file that is not JSON is an error":   `outputs`,
		"a stack without an object is an error": `{"stack": 1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if out, err := parseOutputs([]byte(data)); err == nil {
				t.Errorf("parseOutputs(%s) = %+v; want an error", data, out)
			}
		})
	}
}
