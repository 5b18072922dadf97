package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/progress"
)

func (a *app) listCommand() *cobra.Command {
	var most int
	var status, name string
	cmd := &cobra.Command{
		Use:               "list",
		Short:             "List your lender's batches, newest first",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.calling(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "BATCH\tCREATED\tSTATUS\tDONE\tNAME")
			if most < 1 {
				return errors.New("--limit must be 1 or more")
			}
			n := 0
			filter := client.BatchFilter{Status: client.Status(strings.ToUpper(status)), NamePrefix: name, PageSize: min(most, 500)}
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
	cmd.Flags().IntVar(&most, "limit", 20, "how many to list")
	cmd.Flags().StringVar(&status, "status", "", "only batches with this status, such as partial_success")
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
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.calling(func(cmd *cobra.Command, c *client.Client, args []string) error {
			b, err := c.Cancel(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s (%s)\n", b.Status, b.StatusReason, progress.Counts(b))
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
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	flags.BoolVar(&failed, "failed", false, "inquiries without a useful report")
	flags.BoolVar(&partial, "partial", false, "inquiries whose report lacks a source")
	flags.StringVar(&again.Name, "name", "", "the new batch's `name` (default: the old one's)")
	flags.BoolVar(&wait, "wait", false, "follow the new batch to its end")
	flags.StringVar(&again.IdempotencyKey, "idempotency-key", "", "rerun once, however often you run this with the same `key`")
	cmd.MarkFlagsOneRequired("failed", "partial")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case failed && partial:
			again.Scope = client.RerunUnsuccessful
		case partial:
			again.Scope = client.RerunPartial
		default:
			again.Scope = client.RerunFailed
		}
		f := &follower{w: cmd.OutOrStdout()}
		return a.calling(func(cmd *cobra.Command, c *client.Client, args []string) error {
			if again.IdempotencyKey == "" {
				again.IdempotencyKey = rand.Text()
			}
			accepted, err := c.Rerun(cmd.Context(), args[0], again)
			if err != nil {
				return unsure(err, fmt.Sprintf("the same command with --idempotency-key %s", again.IdempotencyKey))
			}
			fmt.Fprintln(cmd.OutOrStdout(), accepted.BatchID)
			if !wait {
				fmt.Fprintf(a.stderr, "%d inquiries run again. To follow them: bi watch %s\n", accepted.Accepted, accepted.BatchID)
				return nil
			}
			f.batchID = accepted.BatchID
			return f.follow(cmd.Context(), c)
		}, client.WithOnRetry(f.lost), client.WithLongPoll())(cmd, args)
	}
	return cmd
}

func (a *app) resultsCommand() *cobra.Command {
	var format, scope, path string
	cmd := &cobra.Command{
		Use:   "results BATCH",
		Short: "Get all results of a batch as NDJSON or CSV",
		Long: `Gets all results of a batch: as NDJSON, with their reports, or as CSV with a row for
each inquiry, safe to open in a spreadsheet. It may be asked for while the batch is
running. With -o a file appears only once it is whole.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	flags.StringVar(&format, "format", "ndjson", "ndjson or csv")
	flags.StringVar(&scope, "scope", "all", "all, succeeded or failed")
	flags.StringVarP(&path, "output", "o", "", "the `file` to write instead of printing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		formats := map[string]client.ResultsFormat{"ndjson": client.NDJSON, "csv": client.CSV}
		if formats[format] == "" {
			return fmt.Errorf("--format %s is neither ndjson nor csv", format)
		}
		return a.calling(func(cmd *cobra.Command, c *client.Client, args []string) error {
			results, err := c.Results(cmd.Context(), args[0], client.ResultsQuery{Format: formats[format], Scope: client.ResultsScope(scope)})
			if err != nil {
				return err
			}
			defer results.Close()
			if err := save(results, path, cmd.OutOrStdout()); err != nil {
				return fmt.Errorf("%w\nThese are not all results; run the same command again", err)
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

// save copies to a file, which appears once it is whole, or to w if none is
// named.
func save(from io.Reader, path string, w io.Writer) (err error) {
	if path == "" {
		_, err := io.Copy(w, from)
		return err
	}
	// What is known of businesses and people is for its owner's eyes.
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // has no effect once it is renamed
	if _, err := io.Copy(part, from); err != nil {
		part.Close()
		return err
	}
	if err := part.Close(); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}
