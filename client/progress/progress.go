// Package progress shows people how far a batch has come.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

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

// bar is drawn from the first status on, which knows the total.
type bar struct {
	w      io.Writer
	bars   *mpb.Progress
	bar    *mpb.Bar
	counts atomic.Pointer[string] // read while the bar is drawn, by another goroutine
}

func (b *bar) Update(now *client.Batch) {
	b.counts.Store(new(Counts(now)))
	if b.bar == nil {
		b.bars = mpb.New(mpb.WithWidth(48), mpb.WithOutput(b.w))
		b.bar = b.bars.AddBar(int64(now.Total),
			mpb.PrependDecorators(decor.CountersNoUnit("%d / %d ")),
			mpb.AppendDecorators(
				decor.Elapsed(decor.ET_STYLE_MMSS, decor.WCSyncSpace),
				decor.Any(func(decor.Statistics) string { return "  " + *b.counts.Load() }),
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
	last string
}

func (l *lines) Update(now *client.Batch) {
	line := fmt.Sprintf("  %d of %d: %s", now.Settled(), now.Total, Counts(now))
	if line != l.last {
		fmt.Fprintln(l.w, line)
		l.last = line
	}
}

func (l *lines) Say(line string) { fmt.Fprintln(l.w, line) }

func (l *lines) Close() {}
