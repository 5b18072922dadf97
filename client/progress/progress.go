// Package progress shows a batch's progress to a person.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/batch-inquiries/batch-inquiries/client"
)

// Display shows the progress of one batch.
type Display interface {
	Update(*client.Batch)
	Say(line string) // prints a message that is not about the batch's state
	Close()
}

// New returns a progress bar if w is a terminal, or else a display that prints a
// line per change.
func New(w io.Writer) Display {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return &lines{w: w}
	}
	return &bar{w: w}
}

// Counts returns the batch's counters in words, without those that are zero.
func Counts(b *client.Batch) string {
	var parts []string
	for _, count := range []struct {
		n     int
		label string
	}{
		{b.Planning, "waiting"}, {b.Running, "running"}, {b.Completed, "completed"},
		{b.PartialSuccess, "partial"}, {b.Failed, "failed"}, {b.Cancelled, "cancelled"},
	} {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.label))
		}
	}
	return strings.Join(parts, ", ")
}

// summary returns the counters and, if it is known, the remaining time.
func summary(b *client.Batch) string {
	if left := remaining(b, time.Now()); left != "" {
		return Counts(b) + "; " + left
	}
	return Counts(b)
}

// remaining returns the estimated time until the batch ends, in words. It is
// rounded to minutes or hours so that it rarely changes, and empty when unknown.
func remaining(b *client.Batch, now time.Time) string {
	if b.EstimatedEnd == nil || b.IsTerminal || b.EstimatedEnd.Latest.Before(now) {
		return ""
	}
	least, most := b.EstimatedEnd.Earliest.Sub(now), b.EstimatedEnd.Latest.Sub(now)
	unit, name := time.Minute, "min"
	if most > 3*time.Hour {
		unit, name = time.Hour, "h"
	}
	from, to := int(max(least, 0)/unit), int((most+unit-1)/unit)
	switch {
	case most < time.Minute:
		return "less than a minute left"
	case from == 0:
		return fmt.Sprintf("up to %d %s left", to, name)
	}
	return fmt.Sprintf("%d to %d %s left", from, to, name)
}

// bar draws a progress bar from the first update on, when the total is known.
type bar struct {
	w    io.Writer
	bars *mpb.Progress
	bar  *mpb.Bar
	now  atomic.Pointer[client.Batch] // read by the goroutine that draws the bar
}

func (b *bar) Update(now *client.Batch) {
	b.now.Store(now)
	if b.bar == nil {
		b.bars = mpb.New(mpb.WithWidth(48), mpb.WithOutput(b.w))
		b.bar = b.bars.AddBar(int64(now.Total),
			mpb.PrependDecorators(decor.CountersNoUnit("%d / %d ")),
			mpb.AppendDecorators(
				decor.Elapsed(decor.ET_STYLE_MMSS, decor.WCSyncSpace),
				decor.Any(func(decor.Statistics) string { return "  " + summary(b.now.Load()) }),
			))
	}
	b.bar.SetCurrent(int64(now.Settled()))
}

func (b *bar) Say(line string) {
	if b.bars == nil {
		fmt.Fprintln(b.w, line)
		return
	}
	fmt.Fprintln(b.bars, line) // above the bar
}

func (b *bar) Close() {
	if b.bar != nil {
		b.bar.Abort(false) // has no effect on a full bar
		b.bars.Wait()
	}
}

// lines prints a line whenever the counters change.
type lines struct {
	w    io.Writer
	last string // the counters in the most recent line
}

func (l *lines) Update(now *client.Batch) {
	if counts := Counts(now); counts != l.last {
		fmt.Fprintf(l.w, "  %d of %d: %s\n", now.Settled(), now.Total, summary(now))
		l.last = counts
	}
}

func (l *lines) Say(line string) { fmt.Fprintln(l.w, line) }

func (l *lines) Close() {}
