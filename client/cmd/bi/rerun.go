package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/progress"
)

func (a *app) rerunCommand() *cobra.Command {
	r := rerun{app: a}
	cmd := &cobra.Command{
		Use:   "rerun (--failed | --partial | --failed --partial) BATCH",
		Short: "Look up failed inquiries of a finished batch again, in a new batch",
		Long: `Creates a new batch from inquiries of a finished one and prints its id. With both
--failed and --partial, the new batch also has the inquiries that were canceled.
The old batch keeps its results.

With --wait, it then follows the new batch like bi watch.

` + exitCodes,
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.withClient(r.run),
	}
	flags := cmd.Flags()
	flags.BoolVar(&r.failed, "failed", false, "inquiries without a useful report")
	flags.BoolVar(&r.partial, "partial", false, "inquiries whose report lacks a source")
	flags.StringVar(&r.name, "name", "", "the `name` of the new batch (default: the name of the old one)")
	flags.BoolVar(&r.wait, "wait", false, "follow the new batch until it is final")
	flags.StringVar(&r.idempotencyKey, "idempotency-key", "", "create only one batch, however often you run this with the same `key`")
	cmd.MarkFlagsOneRequired("failed", "partial")
	return cmd
}

// rerun is one run of bi rerun.
type rerun struct {
	failed, partial, wait bool
	name                  string
	idempotencyKey        string

	*app
}

func (r *rerun) scope() client.RerunScope {
	switch {
	case r.failed && r.partial:
		return client.RerunUnsuccessful
	case r.partial:
		return client.RerunPartial
	}
	return client.RerunFailed
}

func (r *rerun) run(ctx context.Context, c *client.Client) error {
	ownKey := r.idempotencyKey != ""
	if !ownKey {
		r.idempotencyKey = rand.Text()
	}
	accepted, err := r.submitWhenRoom(ctx, func() (*client.Submitted, error) {
		return c.Rerun(ctx, r.batchID, client.Rerun{Scope: r.scope(), Name: r.name, IdempotencyKey: r.idempotencyKey})
	})
	if client.IsKind(err, client.KindNothingToRerun) {
		return fmt.Errorf("%w%s", err, otherScopes(ctx, c, r.batchID, r.scope()))
	}
	if err != nil {
		return orRetryWith(err, fmt.Sprintf("the same command with --idempotency-key %s", r.idempotencyKey))
	}
	if accepted.Replayed && ownKey {
		fmt.Fprintln(r.stderr, "You have already run this with the same key. This is the same batch.")
	}
	fmt.Fprintln(r.stdout, accepted.BatchID)
	if !r.wait {
		fmt.Fprintf(r.stderr, "%d inquiries are being looked up again. To follow them, run: bi watch %s\n", accepted.Accepted, accepted.BatchID)
		return nil
	}
	return r.follow(ctx, c, accepted.BatchID, r.stderr, true)
}

// otherScopes returns a hint at the flags that would find inquiries to rerun, when
// the requested scope has none.
func otherScopes(ctx context.Context, c *client.Client, batchID string, requested client.RerunScope) string {
	b, err := c.Batch(ctx, batchID)
	if err != nil {
		return "" // without the hint, the first error is clear enough
	}
	hint := "\nThe batch has: " + progress.Counts(b) + "."
	switch {
	case b.Failed > 0 && requested != client.RerunPartial:
		hint += "\nThe failed inquiries were rejected as invalid: correct them and submit them with `bi submit`."
	case b.Failed > 0 && b.Cancelled == 0:
		hint += "\n--failed selects inquiries without a useful report, except rejected ones: correct those and submit them with `bi submit`."
	}
	switch {
	case requested == client.RerunFailed && b.Cancelled == 0 && b.PartialSuccess > 0:
		hint += "\n--partial selects inquiries whose report lacks a source."
	case requested != client.RerunUnsuccessful && b.Cancelled > 0:
		hint += "\n--failed --partial selects canceled inquiries and all others that did not complete."
	}
	return hint
}
