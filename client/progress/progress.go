// Package progress shows people how far a batch has come.
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

// Display shows how far a batch has come.
type Display interface {
	Update(*client.Batch)
	Say(line string) // about the watching, not the batch
	Close()
}

// New is a bar on a terminal and a line per change anywhere else.
func New(w io.Writer) Display {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return &lines{w: w}
	}
	return &bar{w: w}
}

// Counts are the batch's counters in words, without those that are zero.
func Counts(b *client.Batch) string {
	var parts []string
	for _, count := range []struct {
		n    int
		what string
	}{
		{b.Planning, "waiting"}, {b.Running, "running"}, {b.Completed, "completed"},
		{b.PartialSuccess, "partly"}, {b.Failed, "failed"}, {b.Cancelled, "cancelled"},
	} {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	return strings.Join(parts, ", ")
}

// words are the counters and what is left.
func words(b *client.Batch) string {
	if left := left(b, time.Now()); left != "" {
		return Counts(b) + "; " + left
	}
	return Counts(b)
}

// left says in words how long the batch may take from now on, to the minute, so
// that it changes seldom; empty when that is not known.
func left(b *client.Batch, now time.Time) string {
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

// bar is drawn from the first status on, which knows the total.
type bar struct {
	w    io.Writer
	bars *mpb.Progress
	bar  *mpb.Bar
	now  atomic.Pointer[client.Batch] // read while the bar is drawn, by another goroutine
}

func (b *bar) Update(now *client.Batch) {
	b.now.Store(now)
	if b.bar == nil {
		b.bars = mpb.New(mpb.WithWidth(48), mpb.WithOutput(b.w))
		b.bar = b.bars.AddBar(int64(now.Total),
			mpb.PrependDecorators(decor.CountersNoUnit("%d / %d ")),
			mpb.AppendDecorators(
				decor.Elapsed(decor.ET_STYLE_MMSS, decor.WCSyncSpace),
				decor.Any(func(decor.Statistics) string { return "  " + words(b.now.Load()) }),
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
		b.bar.Abort(false) // has no effect on a bar that is full
		b.bars.Wait()
	}
}

type lines struct {
	w    io.Writer
	last string // the counts of the last line
}

func (l *lines) Update(now *client.Batch) {
	if counts := Counts(now); counts != l.last {
		fmt.Fprintf(l.w, "  %d of %d: %s\n", now.Settled(), now.Total, words(now))
		l.last = counts
	}
}

func (l *lines) Say(line string) { fmt.Fprintln(l.w, line) }

func (l *lines) Close() {}
