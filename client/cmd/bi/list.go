package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func (a *app) listCommand() *cobra.Command {
	limit := count(20)
	status := choice{options: statuses()}
	var name string
	cmd := &cobra.Command{
		Use:               "list",
		Short:             "List your lender's batches, newest first",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.withClient(func(ctx context.Context, c *client.Client) error {
			filter := client.BatchFilter{
				Status:     client.BatchStatus(strings.ToUpper(status.chosen)),
				NamePrefix: name,
				PageSize:   min(int(limit), client.MaxPageSize),
			}
			return a.list(ctx, c, filter, int(limit))
		}),
	}
	cmd.Flags().Var(&limit, "limit", "list at most this many batches")
	addChoice(cmd, &status, "status", "only batches with this status")
	cmd.Flags().StringVar(&name, "name", "", "only batches whose `name` starts with this")
	return cmd
}

// list prints a table of at most limit batches.
func (a *app) list(ctx context.Context, c *client.Client, filter client.BatchFilter, limit int) error {
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "BATCH\tCREATED\tSTATUS\tDONE\tNAME")
	n := 0
	for b, err := range c.Batches(ctx, filter) {
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d/%d\t%s\n", b.BatchID, b.CreatedAt.Local().Format(time.DateTime), b.Status, b.Settled(), b.Total, printable(b.BatchName))
		if n++; n == limit {
			break
		}
	}
	return t.Flush()
}

// printable replaces control characters, which could move the cursor, with spaces.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, name)
}
