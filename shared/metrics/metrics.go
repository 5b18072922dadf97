// Package metrics writes what the functions measure: lines of JSON in CloudWatch's
// embedded metric format, from which CloudWatch makes metrics. A function needs no
// permission and makes no call for it.
//
// The one dimension that a metric can have is a source. No lender, batch or user can be
// a dimension: the number of metrics, and with it their price, would grow with the
// customers.
package metrics

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// Name is the name of a metric.
type Name string

// All metrics of the service.
const (
	// RequestMs is how long the function api took for a request, in milliseconds.
	// Requests that asked to wait are not measured.
	RequestMs Name = "RequestMs"
	SubmitMs  Name = "SubmitMs" // RequestMs of submissions
	PollMs    Name = "PollMs"   // RequestMs of polls

	// OldestOpenBatchMinutes is the age of the oldest batch that a sweep left unfinished,
	// or 0 if it left none. A batch is swept when it is about 15, 30, 60, 120 and 240
	// minutes old, and in every run after its deadline.
	OldestOpenBatchMinutes Name = "OldestOpenBatchMinutes"

	// SourceFailures has a value for each question to a source: 1 if the source did not
	// answer, otherwise 0. So its average is the share of failures.
	SourceFailures Name = "SourceFailures"

	// RecordsSetAside is the number of stream records that an invocation put with the
	// failed records.
	RecordsSetAside Name = "RecordsSetAside"
)

// SourceDimension is the dimension that has the type of a source, such as "ofac".
const SourceDimension = "Source"

// units are CloudWatch's names for the units of the metrics.
var units = map[Name]string{
	RequestMs: "Milliseconds", SubmitMs: "Milliseconds", PollMs: "Milliseconds",
	OldestOpenBatchMinutes: "None", SourceFailures: "Count", RecordsSetAside: "Count",
}

// All returns every metric of the service.
func All() []Name { return slices.Sorted(maps.Keys(units)) }

// Writer writes measurements. It is safe for concurrent use. A nil Writer writes
// nothing.
type Writer struct {
	namespace string
	now       func() time.Time

	mu  sync.Mutex // so that lines do not mix
	out io.Writer
}

// New returns a Writer of metrics in the namespace. Each line is one call of out.Write.
func New(namespace string, out io.Writer, now func() time.Time) *Writer {
	return &Writer{namespace: namespace, out: out, now: now}
}

// Write writes one line with a value of each metric.
func (w *Writer) Write(values map[Name]float64) {
	if w == nil || len(values) == 0 {
		return
	}
	members := map[string]any{}
	for name, value := range values {
		members[string(name)] = value
	}
	w.line([]string{}, slices.Sorted(maps.Keys(values)), members)
}

// WriteSource writes one line that says of each question to the source whether it failed.
// CloudWatch reads up to 100 of them.
func (w *Writer) WriteSource(source string, failed []bool) {
	if w == nil || len(failed) == 0 {
		return
	}
	values := make([]int, len(failed))
	for i, f := range failed {
		if f {
			values[i] = 1
		}
	}
	w.line([]string{SourceDimension}, []Name{SourceFailures},
		map[string]any{SourceDimension: source, string(SourceFailures): values})
}

// metric is the definition of a metric in a line.
type metric struct{ Name, Unit string }

// line writes the members as one line in the embedded metric format:
// docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (w *Writer) line(dimensions []string, names []Name, members map[string]any) {
	defined := make([]metric, len(names))
	for i, name := range names {
		defined[i] = metric{string(name), units[name]}
	}
	members["_aws"] = map[string]any{
		"Timestamp": w.now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": w.namespace, "Dimensions": [][]string{dimensions}, "Metrics": defined,
		}},
	}
	text, err := json.Marshal(members)
	if err != nil {
		return // a value that is not a number
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.out.Write(append(text, '\n')) // a function that cannot write its log can tell nobody
}
