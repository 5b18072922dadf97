package metrics_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/metrics"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// writer returns a Writer and what it writes.
func writer() (*metrics.Writer, *bytes.Buffer) {
	var out bytes.Buffer
	return metrics.New("batch-inquiries-test", &out, func() time.Time { return noon }), &out
}

func TestWrite(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		write func(*metrics.Writer)
		want  string
	}{
		"a value of one metric": {
			func(w *metrics.Writer) { w.Write(map[metrics.Name]float64{metrics.RecordsSetAside: 2}) },
			`{"RecordsSetAside":2,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"RecordsSetAside","Unit":"Count"}],"Namespace":"batch-inquiries-test"}],"Timestamp":1795521600000}}` + "\n",
		},
		"values of two metrics": {
			func(w *metrics.Writer) {
				w.Write(map[metrics.Name]float64{metrics.SubmitMs: 12, metrics.RequestMs: 12})
			},
			`{"RequestMs":12,"SubmitMs":12,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"RequestMs","Unit":"Milliseconds"},{"Name":"SubmitMs","Unit":"Milliseconds"}],"Namespace":"batch-inquiries-test"}],"Timestamp":1795521600000}}` + "\n",
		},
		"questions to a source": {
			func(w *metrics.Writer) { w.WriteSource("ofac", []bool{false, true}) },
			`{"Source":"ofac","SourceFailures":[0,1],"_aws":{"CloudWatchMetrics":[{"Dimensions":[["Source"]],"Metrics":[{"Name":"SourceFailures","Unit":"Count"}],"Namespace":"batch-inquiries-test"}],"Timestamp":1795521600000}}` + "\n",
		},
		"no values":                    {func(w *metrics.Writer) { w.Write(nil) }, ""},
		"no questions":                 {func(w *metrics.Writer) { w.WriteSource("ofac", nil) }, ""},
		"a value that is not a number": {func(w *metrics.Writer) { w.Write(map[metrics.Name]float64{metrics.RequestMs: math.NaN()}) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, out := writer()
			tt.write(w)
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("the line (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("a nil Writer writes nothing", func(t *testing.T) {
		t.Parallel()
		var w *metrics.Writer
		w.Write(map[metrics.Name]float64{metrics.RequestMs: 1})
		w.WriteSource("ofac", []bool{true})
	})
}

// TestFormat checks every metric against the rules of the embedded metric format.
func TestFormat(t *testing.T) {
	t.Parallel()

	for _, name := range metrics.All() {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			w, out := writer()
			if name == metrics.SourceFailures {
				w.WriteSource("ofac", []bool{true})
			} else {
				w.Write(map[metrics.Name]float64{name: 1})
			}
			text := out.Bytes()
			if bytes.Count(text, []byte("\n")) != 1 || text[len(text)-1] != '\n' {
				t.Fatalf("not one line: %q", text)
			}
			var root map[string]any
			if err := json.Unmarshal(text, &root); err != nil {
				t.Fatal(err)
			}
			var aws struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			}
			part, _ := json.Marshal(root["_aws"])
			decoder := json.NewDecoder(bytes.NewReader(part))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&aws); err != nil {
				t.Fatal(err)
			}
			if aws.Timestamp != noon.UnixMilli() || len(aws.CloudWatchMetrics) != 1 {
				t.Fatalf("%s", part)
			}
			d := aws.CloudWatchMetrics[0]
			if d.Namespace != "batch-inquiries-test" || len(d.Dimensions) != 1 || len(d.Metrics) != 1 || d.Metrics[0].Name != string(name) {
				t.Errorf("%s", part)
			}
			if _, ok := map[string]bool{"Milliseconds": true, "Count": true, "None": true}[d.Metrics[0].Unit]; !ok {
				t.Errorf("unit %q", d.Metrics[0].Unit)
			}
			// CloudWatch finds values and dimensions as members of the line. A line has no
			// other members, and so nothing of a lender.
			members := map[string]bool{"_aws": true, string(name): true}
			for _, dimension := range d.Dimensions[0] {
				if dimension != metrics.SourceDimension {
					t.Errorf("dimension %q", dimension)
				}
				members[dimension] = true
			}
			for member := range root {
				if !members[member] {
					t.Errorf("the line has a member %q", member)
				}
			}
			if len(root) != len(members) {
				t.Errorf("members %v, want %v", root, members)
			}
		})
	}
}
