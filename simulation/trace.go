package simulation

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func (w *World) tracef(format string, args ...any) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, format+"\n", args...)
	}
}

// traceStep traces what the current step does.
func (w *World) traceStep(format string, args ...any) {
	if w.trace != nil {
		w.tracef("%5d %s "+format, append([]any{w.steps, w.now.Format("15:04:05.000")}, args...)...)
	}
}

func (w *World) traceCall(c *Call, v Verdict) {
	if w.trace == nil {
		return
	}
	word := v.String()
	if word != "" {
		word = "  ** " + word
	}
	w.traceStep("%v%s", c, word)
}

// short returns a readable partition key, with a batch's number instead of its id.
func (w *World) short(pk string) string {
	if lender, rest, ok := strings.Cut(strings.TrimPrefix(pk, store.LenderPrefix), store.BatchInfix); ok {
		_, bucket, _ := strings.Cut(rest, "#")
		name := fmt.Sprintf("%s/%s", lender, w.check.name(idIn(rest)))
		if bucket != "" && bucket != "0" {
			name += "." + bucket
		}
		return name
	}
	return pk
}

func (w *World) shortID(id inquiry.ID) string {
	return fmt.Sprintf("%s/%d", w.check.name(id.Batch()), id.Index())
}

// name returns a batch's short name.
func (c *checker) name(id inquiry.BatchID) string {
	if b := c.byID[id]; b != nil {
		return "B" + strconv.Itoa(b.number)
	}
	return "B?"
}
