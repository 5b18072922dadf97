package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/progress"
)

func (a *app) listCommand() *cobra.Command {
	most := count(20)
	status := word{of: statuses()}
	var name string
	cmd := &cobra.Command{
		Use:               "list",
		Short:             "List your lender's batches, newest first",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.calling(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "BATCH\tCREATED\tSTATUS\tDONE\tNAME")
			n := count(0)
			filter := client.BatchFilter{Status: client.Status(strings.ToUpper(status.chosen)), NamePrefix: name, PageSize: min(int(most), 500)}
			for b, err := range c.Batches(cmd.Context(), filter) {
				if err != nil {
					return err
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%d/%d\t%s\n", b.BatchID, b.CreatedAt.Local().Format(time.DateTime), b.Status, b.Settled(), b.Total, printable(b.BatchName))
				if n++; n == most {
					break
				}
			}
			return t.Flush()
		}),
	}
	cmd.Flags().Var(&most, "limit", "how many to list")
	wordFlag(cmd, &status, "status", "only batches with this status")
	cmd.Flags().StringVar(&name, "name", "", "only batches whose name begins so")
	return cmd
}

// printable takes from a name what would move the cursor or a column.
func printable(name string) string {
	clean := []rune(name)
	for i, r := range clean {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			clean[i] = ' '
		}
	}
	return string(clean)
}

func (a *app) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "cancel BATCH",
		Short:             "Stop what has not begun of a batch; what is running finishes",
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.calling(func(cmd *cobra.Command, c *client.Client, args []string) error {
			b, err := c.Cancel(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s: %s (%s)\n", b.Status, b.StatusReason, progress.Counts(b))
			return nil
		}),
	}
}

func (a *app) rerunCommand() *cobra.Command {
	var failed, partial, wait bool
	var again client.Rerun
	cmd := &cobra.Command{
		Use:   "rerun (--failed | --partial | --failed --partial) BATCH",
		Short: "Look failed inquiries of a finished batch up once more, as a new batch",
		Long: `Makes a new batch out of inquiries of a finished one and prints its id. With both
--failed and --partial, those that a cancel stopped are in it too. The old batch
keeps its results.

With --wait it goes on as bi watch does.
` + exitCodes,
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	flags.BoolVar(&failed, "failed", false, "inquiries without a useful report")
	flags.BoolVar(&partial, "partial", false, "inquiries whose report lacks a source")
	flags.StringVar(&again.Name, "name", "", "the new batch's `name` (default: the old one's)")
	flags.BoolVar(&wait, "wait", false, "follow the new batch to its end")
	flags.StringVar(&again.IdempotencyKey, "idempotency-key", "", "rerun once, however often you run this with the same `key`")
	cmd.MarkFlagsOneRequired("failed", "partial")
	cmd.RunE = a.calling(func(cmd *cobra.Command, c *client.Client, args []string) error {
		switch {
		case failed && partial:
			again.Scope = client.RerunUnsuccessful
		case partial:
			again.Scope = client.RerunPartial
		default:
			again.Scope = client.RerunFailed
		}
		ownKey := again.IdempotencyKey != ""
		if !ownKey {
			again.IdempotencyKey = rand.Text()
		}
		accepted, err := a.untilThereIsRoom(cmd.Context(), func() (*client.Submitted, error) {
			return c.Rerun(cmd.Context(), args[0], again)
		})
		if client.IsKind(err, client.KindNothingToRerun) {
			return fmt.Errorf("%w%s", err, otherScopes(cmd.Context(), c, args[0], again.Scope))
		}
		if err != nil {
			return unsure(err, fmt.Sprintf("the same command with --idempotency-key %s", again.IdempotencyKey))
		}
		if accepted.Replayed && ownKey {
			fmt.Fprintln(a.stderr, "This was run again before with the same key; it is the same batch.")
		}
		fmt.Fprintln(a.stdout, accepted.BatchID)
		if !wait {
			fmt.Fprintf(a.stderr, "%d inquiries run again. To follow them: bi watch %s\n", accepted.Accepted, accepted.BatchID)
			return nil
		}
		return a.follow(cmd.Context(), c, accepted.BatchID, a.stderr, true)
	})
	return cmd
}

// otherScopes says which flags take what a batch has, when there is nothing in
// the scope that was asked for.
func otherScopes(ctx context.Context, c *client.Client, batchID string, asked client.RerunScope) string {
	b, err := c.Batch(ctx, batchID)
	if err != nil {
		return "" // the refusal says enough
	}
	hint := "\nIt has: " + progress.Counts(b) + "."
	switch {
	case b.Failed > 0 && asked != client.RerunPartial:
		hint += "\nWhat failed there was rejected: correct and submit it (`bi submit`)."
	case b.Failed > 0 && b.Cancelled == 0:
		hint += "\n--failed takes those without a useful report, but for rejected ones: correct and submit these (`bi submit`)."
	}
	switch {
	case asked == client.RerunFailed && b.Cancelled == 0 && b.PartialSuccess > 0:
		hint += "\n--partial takes those whose report lacks a source."
	case asked != client.RerunUnsuccessful && b.Cancelled > 0:
		hint += "\n--failed --partial takes those that a cancel stopped, with all others that did not complete."
	}
	return hint
}

func (a *app) resultsCommand() *cobra.Command {
	format := word{"ndjson", []string{"ndjson", "csv"}}
	scope := word{"all", []string{string(client.ScopeAll), string(client.ScopeSucceeded), string(client.ScopeFailed)}}
	var path string
	cmd := &cobra.Command{
		Use:   "results BATCH",
		Short: "Get all results of a batch as NDJSON or CSV",
		Long: `Gets all results of a batch: as NDJSON, with their reports, or as CSV with a row for
each inquiry, safe to open in a spreadsheet. It may be asked for while the batch is
running. With -o a file appears only once it is whole; a pipe is written to as the
results come.`,
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	wordFlag(cmd, &format, "format", "the form")
	wordFlag(cmd, &scope, "scope", "which inquiries")
	cmd.Flags().StringVarP(&path, "output", "o", "", "the `file` to write instead of printing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		save := func(from io.Reader) error {
			_, err := io.Copy(a.stdout, from)
			return partly(err)
		}
		if path != "" {
			to, err := openOutput(cmd.Context(), path)
			if err != nil {
				return err
			}
			defer to.drop()
			save = func(from io.Reader) error {
				if _, err := io.Copy(to, from); err != nil {
					return partly(err)
				}
				return to.keep()
			}
		}
		query := client.ResultsQuery{
			Format: map[string]client.ResultsFormat{"ndjson": client.NDJSON, "csv": client.CSV}[format.chosen],
			Scope:  client.ResultsScope(scope.chosen),
		}
		return a.calling(func(cmd *cobra.Command, c *client.Client, args []string) error {
			results, err := c.Results(cmd.Context(), args[0], query)
			if err != nil {
				return err
			}
			defer results.Close()
			if err := save(results); err != nil {
				return err
			}
			if !results.Complete {
				fmt.Fprintf(a.stderr, "The batch is not finished: these are its results as of %s. To follow it: bi watch %s\n",
					results.AsOf.Local().Format(time.DateTime), args[0])
			}
			return nil
		})(cmd, args)
	}
	return cmd
}

// partly is an error after which only a part of the results has been written.
func partly(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\nThese are not all results; run the same command again", err)
}

func (a *app) deleteCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete BATCH",
		Short: "Delete a finished batch's data for good; its counts remain",
		Long: `Deletes what a finished batch holds of businesses and people: its name and
metadata, what was asked, and the reports. Its place in the list, its times and its
counts remain. Nobody can undo it, so it asks first; a script says --yes.`,
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !yes && !a.attended {
			return errors.New("nobody is here to be asked: to delete the batch for good, add --yes")
		}
		return a.calling(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if !yes {
				if err := a.confirmDeleting(cmd.Context(), c, args[0]); err != nil {
					return err
				}
			}
			b, err := c.Delete(cmd.Context(), args[0])
			if client.IsKind(err, client.KindNotFinished) {
				return fmt.Errorf("%w\nTo stop it first: bi cancel %s", err, args[0])
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "Deleted. What remains are the batch's times and counts: %s.\n"+
				"Files of large results end within two days, and the service's backups within 35.\n", progress.Counts(b))
			return nil
		})(cmd, args)
	}
	return cmd
}

// confirmDeleting asks the person at the terminal.
func (a *app) confirmDeleting(ctx context.Context, c *client.Client, batchID string) error {
	b, err := c.Batch(ctx, batchID)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%q of %s, %d inquiries, %s\nDelete its data for good? [y/N] ",
		printable(b.BatchName), b.CreatedAt.Local().Format(time.DateTime), b.Total, b.Status)
	answer, err := until(ctx, func() (string, error) { return bufio.NewReader(a.stdin).ReadString('\n') })
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was deleted")
	}
	return nil
}
