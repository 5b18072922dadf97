package progress

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// between returns a batch whose estimated end is between two times after noon.
func between(earliest, latest time.Duration) *client.Batch {
	return &client.Batch{EstimatedEnd: &client.EstimateRange{Earliest: noon.Add(earliest), Latest: noon.Add(latest)}}
}

func TestRemaining(t *testing.T) {
	t.Parallel()

	t.Run("rounds the estimate", func(t *testing.T) {
		t.Parallel()
		ended := between(time.Minute, 2*time.Minute)
		ended.IsTerminal = true
		for name, tt := range map[string]struct {
			batch *client.Batch
			want  string
		}{
			"unknown":           {&client.Batch{}, ""},
			"final":             {ended, ""},
			"past":              {between(-2*time.Minute, -time.Second), ""},
			"any moment":        {between(-time.Second, 20*time.Second), "less than a minute left"},
			"up to two minutes": {between(10*time.Second, 70*time.Second), "up to 2 min left"},
			"a few minutes":     {between(130*time.Second, 200*time.Second), "2 to 4 min left"},
			"one to two hours":  {between(61*time.Minute, 130*time.Minute), "61 to 130 min left"},
			"hours":             {between(125*time.Minute, 290*time.Minute), "2 to 5 h left"},
			"up to hours":       {between(5*time.Minute, 290*time.Minute), "up to 5 h left"},
		} {
			if got := remaining(tt.batch, noon); got != tt.want {
				t.Errorf("%s: remaining returns %q, want %q", name, got, tt.want)
			}
		}
	})
}

func TestLines(t *testing.T) {
	t.Parallel()

	// Without a terminal, each change of the counters is a line. A change of the estimate
	// alone is not.
	t.Run("prints a line per change of the counters", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			show := New(&out)
			status := client.Batch{Total: 4, Running: 3, Completed: 1}
			show.Update(&status)
			for _, minutes := range []time.Duration{3, 2, 1} {
				now := status
				now.Running, now.Completed = 2, 2
				now.EstimatedEnd = &client.EstimateRange{Earliest: time.Now().Add(minutes * time.Minute), Latest: time.Now().Add(2 * minutes * time.Minute)}
				show.Update(&now)
			}
			show.Say("The connection is back.")
			show.Update(&client.Batch{Total: 4, Completed: 4, IsTerminal: true})
			show.Close()
			const want = "  1 of 4: 3 running, 1 completed\n  2 of 4: 2 running, 2 completed; 3 to 6 min left\nThe connection is back.\n  4 of 4: 4 completed\n"
			if out.String() != want {
				t.Errorf("the output is\n%s\nwant\n%s", &out, want)
			}
		})
	})
}
