package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"strconv"
	"strings"
	"testing"
)

// none is a period without data.
var none = math.NaN()

// series are the values of metrics, one a period, by the metric's name and, for metrics
// of several functions, the part that says which.
type series map[string][]float64

// TestJudgement judges written series with the alarms of the template, as CloudWatch
// documents it: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html.
// The local engine judges no expression, no percentile of a period and no missing data.
func TestJudgement(t *testing.T) {
	t.Parallel()

	judged := map[string]bool{}
	for alarm, cases := range map[string]map[string]struct {
		given series
		want  bool // the alarm is raised
	}{
		"answers-are-errors": {
			"good":                                {series{"5XXError": {0, 0, 0}, "Count": {900, 1000, 1100}}, false},
			"bad":                                 {series{"5XXError": {0, 20, 20}, "Count": {900, 1000, 1100}}, true},
			"exactly one percent":                 {series{"5XXError": {10, 10, 10}, "Count": {1000, 1000, 1000}}, false},
			"sparse: two of three requests fail":  {series{"5XXError": {2, 2, 2}, "Count": {3, 3, 3}}, false},
			"sparse: five of five requests fail":  {series{"5XXError": {5, 5, 5}, "Count": {5, 5, 5}}, true},
			"one bad period":                      {series{"5XXError": {0, 500, 0}, "Count": {1000, 1000, 1000}}, false},
			"bad at both ends of a quiet period":  {series{"5XXError": {9, none, 9}, "Count": {9, none, 9}}, true},
			"missing":                             {series{"5XXError": {none, none, none}, "Count": {none, none, none}}, false},
			"good again after a bad hour":         {series{"5XXError": {90, 90, 0, 0}, "Count": {100, 100, 100, 100}}, false},
			"the caller's mistakes are no errors": {series{"5XXError": {0, 0, 0}, "4XXError": {900, 900, 900}, "Count": {900, 900, 900}}, false},
		},
		"workers-can-do-nothing": {
			"good":                   {series{"Errors": {0, 1, 0}, "Invocations": {50, 60, 50}}, false},
			"bad":                    {series{"Errors": {0, 20, 30}, "Invocations": {50, 60, 50}}, true},
			"exactly twenty percent": {series{"Errors": {10, 10, 10}, "Invocations": {50, 50, 50}}, false},
			"sparse":                 {series{"Errors": {1, none, 1}, "Invocations": {1, none, 1}}, true},
			"sparse, once":           {series{"Errors": {1, none, 0}, "Invocations": {1, none, 1}}, false},
			"missing":                {series{"Errors": {none, none, none}, "Invocations": {none, none, none}}, false},
		},
		"table-is-throttled": {
			"good":                      {series{"ReadThrottleEvents": {0}, "WriteThrottleEvents": {0}}, false},
			"bad":                       {series{"ReadThrottleEvents": {0}, "WriteThrottleEvents": {3}}, true},
			"sparse: one metric exists": {series{"ReadThrottleEvents": {none}, "WriteThrottleEvents": {1}}, true},
			"missing":                   {series{"ReadThrottleEvents": {none}, "WriteThrottleEvents": {none}}, false},
		},
		"functions-are-throttled": {
			"good":                              {series{"Throttles": {0}}, false},
			"nine times":                        {series{"Throttles": {9}}, false},
			"bad: ten times":                    {series{"Throttles": {10}}, true},
			"sparse: one function runs":         {series{"Throttles": {none}, "Throttles ProcessInquiry": {10}}, true},
			"nine times each, and not together": {series{"Throttles": {9}, "Throttles ProcessInquiry": {9}}, false},
			"missing":                           {series{"Throttles": {none}}, false},
		},
		"error-budget-burns-fast-long": {
			"good": {series{"5XXError": {100}, "Count": {10_000}}, false}, "bad": {series{"5XXError": {145}, "Count": {10_000}}, true},
			"sparse": {series{"5XXError": {4}, "Count": {4}}, false}, "missing": {series{"5XXError": {none}, "Count": {none}}, false},
		},
		"error-budget-burns-slowly-long": {
			"good": {series{"5XXError": {60}, "Count": {10_000}}, false}, "bad": {series{"5XXError": {61}, "Count": {10_000}}, true},
			"sparse": {series{"5XXError": {4}, "Count": {4}}, false}, "missing": {series{"5XXError": {none}, "Count": {none}}, false},
		},
		// These have one metric each. What matters is how long it takes and what missing data
		// means.
		"answers-are-slow": {
			"good": {series{"RequestMs": {300, 2000, 900}}, false}, "bad": {series{"RequestMs": {2001, 3000, 2500}}, true},
			"sparse": {series{"RequestMs": {2500, none, 2500}}, false}, "missing": {series{"RequestMs": {none, none, none}}, false},
		},
		"nobody-can-sign-in": {
			"good": {series{"Errors": {2, 2, 2}}, false}, "bad": {series{"Errors": {3, 0, 3}}, true},
			"sparse": {series{"Errors": {3, none, none}}, false}, "missing": {series{"Errors": {none, none, none}}, false},
		},
		"work-waits": {
			"good": {series{"ApproximateAgeOfOldestMessage": {900}}, false}, "bad": {series{"ApproximateAgeOfOldestMessage": {901}}, true},
			"sparse": {series{"ApproximateAgeOfOldestMessage": {901, none}}, false}, "missing": {series{"ApproximateAgeOfOldestMessage": {none}}, false},
		},
		"dead-letters-stay": {
			"good": {series{"ApproximateNumberOfMessagesVisible": {5, 5, 0}}, false}, "bad": {series{"ApproximateNumberOfMessagesVisible": {1, 1, 1}}, true},
			"sparse": {series{"ApproximateNumberOfMessagesVisible": {1, none, 1}}, false}, "missing": {series{"ApproximateNumberOfMessagesVisible": {none, none, none}}, false},
		},
		"counters-lag": {
			"good": {series{"IteratorAge": {60_000, 60_000, 60_000, 90_000, 90_000}}, false}, "bad": {series{"IteratorAge": {0, 61_000, 0, 61_000, 61_000}}, true},
			"sparse": {series{"IteratorAge": {61_000, none, none, none, 61_000}}, false}, "missing": {series{"IteratorAge": {none, none, none, none, none}}, false},
		},
		"batches-wait-for-dispatch": {
			"good": {series{"IteratorAge": {30_000, 30_000, 30_000, 90_000, 90_000}}, false}, "bad": {series{"IteratorAge": {0, 31_000, 0, 31_000, 31_000}}, true},
			"sparse": {series{"IteratorAge": {31_000, none, none, none, 31_000}}, false}, "missing": {series{"IteratorAge": {none, none, none, none, none}}, false},
		},
		"records-set-aside": {
			"good": {series{"RecordsSetAside": {0}}, false}, "bad": {series{"RecordsSetAside": {1}}, true},
			"sparse": {series{"RecordsSetAside": {1, none}}, false}, "missing": {series{"RecordsSetAside": {none}}, false},
		},
		"batches-are-not-repaired": {
			"good": {series{"Errors": {0}}, false}, "bad": {series{"Errors": {1}}, true},
			"sparse": {series{"Errors": {none, 0}}, false}, "missing: no sweep ran": {series{"Errors": {none}}, true},
		},
		"sweeps-take-long": {
			"good": {series{"Duration": {180_000}}, false}, "bad": {series{"Duration": {180_001}}, true},
			"sparse": {series{"Duration": {180_001, none}}, false}, "missing": {series{"Duration": {none}}, false},
		},
		"oldest-open-batch": {
			"good": {series{"OldestOpenBatchMinutes": {60}}, false}, "bad": {series{"OldestOpenBatchMinutes": {61}}, true},
			"sparse": {series{"OldestOpenBatchMinutes": {none, 0}}, false}, "missing: no sweep ran": {series{"OldestOpenBatchMinutes": {none}}, true},
		},
		"source-is-down-ofac": {
			"good": {series{"SourceFailures": {0.2}}, false}, "bad": {series{"SourceFailures": {0.21}}, true},
			"sparse": {series{"SourceFailures": {1, none}}, false}, "missing": {series{"SourceFailures": {none}}, false},
		},
	} {
		for name, tt := range cases {
			t.Run(alarm+"/"+name, func(t *testing.T) {
				t.Parallel()
				if got := raised(t, alarmNamed(t, alarm), tt.given); got != tt.want {
					t.Errorf("raised: %t, want %t", got, tt.want)
				}
			})
		}
		for _, kind := range []string{"good", "bad", "sparse", "missing"} {
			found := false
			for name := range cases {
				found = found || strings.HasPrefix(name, kind)
			}
			if !found {
				t.Errorf("%s is not judged on a %s series", alarm, kind)
			}
		}
		judged[alarm] = true
	}
	for id, r := range prod().all(t, alarmType) {
		name := strings.TrimPrefix(r.Properties["AlarmName"].(string), "batch-inquiries-prod-")
		// The short windows of the error budget have the expression of the long ones.
		if !judged[name] && !strings.HasSuffix(name, "-short") {
			t.Errorf("%s is not judged", id)
		}
	}
}

// alarmNamed returns the alarm of prod with this name.
func alarmNamed(tb testing.TB, name string) resource {
	tb.Helper()
	for _, r := range prod().all(tb, alarmType) {
		if r.Properties["AlarmName"] == "batch-inquiries-prod-"+name {
			return r
		}
	}
	tb.Fatalf("there is no alarm %s", name)
	return resource{}
}

// raised judges the last periods of the series with an alarm. Unlike CloudWatch, it does
// not look at older periods if data is missing.
func raised(tb testing.TB, alarm resource, given series) bool {
	tb.Helper()
	p := alarm.Properties
	if p["ComparisonOperator"] != "GreaterThanThreshold" {
		tb.Fatalf("operator %v", p["ComparisonOperator"])
	}
	over := 0.0
	for _, value := range values(tb, alarm, given, int(p["EvaluationPeriods"].(float64))) {
		switch {
		case !math.IsNaN(value):
			if value > p["Threshold"].(float64) {
				over++
			}
		case p["TreatMissingData"] == "breaching":
			over++
		case p["TreatMissingData"] != "notBreaching":
			tb.Fatalf("missing data is %v", p["TreatMissingData"])
		}
	}
	return over >= p["DatapointsToAlarm"].(float64)
}

// values returns what the alarm compares with its threshold in each of its periods.
func values(tb testing.TB, alarm resource, given series, periods int) []float64 {
	tb.Helper()
	queries, isMath := alarm.Properties["Metrics"].([]any)
	if !isMath {
		return lookUp(tb, given, alarm.Properties, periods)
	}
	byID, expression := map[string][]float64{}, ""
	for _, q := range queries {
		if e, ok := at(q, "Expression").(string); ok {
			if expression != "" {
				tb.Fatal("the alarm has two expressions")
			}
			expression = e
			continue
		}
		byID[at(q, "Id").(string)] = lookUp(tb, given, at(q, "MetricStat", "Metric").(map[string]any), periods)
	}
	parsed, err := parser.ParseExpr(expression)
	if err != nil {
		tb.Fatal(err)
	}
	result := make([]float64, periods)
	for i := range result {
		now := map[string]float64{}
		for id, all := range byID {
			now[id] = all[i]
		}
		if result[i], err = evaluate(parsed, now); err != nil {
			tb.Fatalf("%s: %v", expression, err)
		}
	}
	return result
}

// lookUp returns the last values of a metric.
func lookUp(tb testing.TB, given series, metric map[string]any, periods int) []float64 {
	tb.Helper()
	name := metric["MetricName"].(string)
	all, ok := given[name]
	for key, values := range given {
		if of, part, _ := strings.Cut(key, " "); of == name && part != "" && strings.Contains(text(metric["Dimensions"]), part) {
			all = values
		}
	}
	if !ok || len(all) < periods {
		tb.Fatalf("the series has %d periods of %s; the alarm looks at %d", len(all), name, periods)
	}
	return all[len(all)-periods:]
}

// evaluate returns the value of an expression of CloudWatch's metric math in one period.
// What our alarms use of it has Go's syntax. A missing value makes the result missing,
// except of a function of all metrics, which leaves it out.
func evaluate(e ast.Expr, metrics map[string]float64) (float64, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.ParseFloat(e.Value, 64)
	case *ast.Ident:
		value, ok := metrics[e.Name]
		if !ok {
			return none, fmt.Errorf("there is no metric %s", e.Name)
		}
		return value, nil
	case *ast.BinaryExpr:
		x, errX := evaluate(e.X, metrics)
		y, errY := evaluate(e.Y, metrics)
		if err := errors.Join(errX, errY); err != nil || math.IsNaN(x) || math.IsNaN(y) {
			return none, err
		}
		switch e.Op {
		case token.MUL:
			return x * y, nil
		case token.QUO:
			if y == 0 {
				return none, nil // CloudWatch has no value then
			}
			return x / y, nil
		case token.GEQ:
			if x >= y {
				return 1, nil
			}
			return 0, nil
		}
		return none, fmt.Errorf("unknown operator %s", e.Op)
	case *ast.CallExpr:
		return call(e, metrics)
	}
	return none, fmt.Errorf("unknown expression %T", e)
}

// call evaluates a function.
func call(e *ast.CallExpr, metrics map[string]float64) (float64, error) {
	name, _ := e.Fun.(*ast.Ident)
	switch {
	case name != nil && name.Name == "IF" && len(e.Args) == 3:
		condition, err := evaluate(e.Args[0], metrics)
		if err != nil || math.IsNaN(condition) {
			return none, err
		}
		if condition != 0 {
			return evaluate(e.Args[1], metrics)
		}
		return evaluate(e.Args[2], metrics)
	case name != nil && (name.Name == "SUM" || name.Name == "MAX") && len(e.Args) == 1:
		result := none
		for _, value := range metrics {
			switch {
			case math.IsNaN(value):
			case math.IsNaN(result):
				result = value
			case name.Name == "SUM":
				result += value
			default:
				result = max(result, value)
			}
		}
		return result, nil
	}
	return none, fmt.Errorf("unknown function in %v", e.Fun)
}
