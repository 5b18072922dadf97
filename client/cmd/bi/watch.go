package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/progress"
)

// outcome is how a batch ended, for the exit code. It has been told already.
type outcome client.Status

func (o outcome) Error() string { return "the batch ended as " + string(o) }

func (o outcome) exitCode() int {
	switch client.Status(o) {
	case client.StatusCompleted:
		return exitCompleted
	case client.StatusPartialSuccess:
		return exitPartial
	case client.StatusFailed:
		return exitFailed
	case client.StatusCancelled:
		return exitCancelled
	}
	return exitError
}

func (a *app) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch BATCH",
		Short: "Follow a batch to its end",
		Long: `Follows a batch to its end: with a bar on a terminal, else with a line per change.

The batch does not need us. A lost connection is waited out, and after Ctrl-C the
same command picks it up again.

` + exitCodes,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			f := follower{batchID: args[0], w: cmd.OutOrStdout()}
			return a.calling(func(cmd *cobra.Command, c *client.Client, _ []string) error {
				return f.follow(cmd.Context(), c)
			}, client.WithOnRetry(f.lost), client.WithLongPoll())(cmd, args)
		},
	}
}

// follower shows a batch to its end.
type follower struct {
	batchID string
	w       io.Writer
	show    progress.Display
	isLost  bool
}

// lost says, once for each time that the connection goes, that nothing else does.
func (f *follower) lost(err error, wait time.Duration) {
	if f.show == nil || f.isLost {
		return
	}
	f.isLost = true
	why := "The connection is lost"
	if p, ok := errors.AsType[*client.Problem](err); ok {
		why = fmt.Sprintf("The API is not available (%d %s)", p.Status, p.Title)
	}
	f.show.Say(fmt.Sprintf("%s. The batch goes on without it; trying again in %s and from then on. Ctrl-C is safe: `bi watch %s` resumes.",
		why, wait.Round(time.Second/10), f.batchID))
}

func (f *follower) follow(ctx context.Context, c *client.Client) error {
	f.show = progress.New(f.w)
	defer f.show.Close()
	for batch, err := range c.Watch(ctx, f.batchID) {
		if err != nil {
			if ctx.Err() != nil {
				f.show.Close()
				return fmt.Errorf("%w: the batch goes on without us. To watch it again: bi watch %s", errInterrupted, f.batchID)
			}
			return err
		}
		if f.isLost {
			f.isLost = false
			f.show.Say("The connection is back.")
		}
		f.show.Update(batch)
		if batch.IsTerminal {
			f.show.Close()
			return f.end(batch)
		}
	}
	return nil // not reached: what ends a watch is an end or an error
}

// errInterrupted ends a command whose work goes on elsewhere.
var errInterrupted = errors.New("stopped watching")

func (f *follower) end(b *client.Batch) error {
	fmt.Fprintf(f.w, "%s: %s\n", b.Status, b.StatusReason)
	if b.Status == client.StatusCompleted {
		return nil
	}
	return outcome(b.Status)
}
