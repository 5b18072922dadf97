package main

import (
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

func (a *app) keyCommand() *cobra.Command {
	key := &cobra.Command{
		Use:   "key",
		Short: "Show your API key",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	key.AddCommand(&cobra.Command{
		Use:   "show",
		Short: "Print your API key, which the first call creates; a token from signing in does as BI_API_KEY",
		Args:  cobra.NoArgs,
		RunE: a.calling(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			key, err := c.APIKey(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), key)
			return nil
		}),
	})
	return key
}
