package main

import (
	"crypto/rand"
	"errors"
	"fmt"
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
