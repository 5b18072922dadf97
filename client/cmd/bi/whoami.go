package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func (a *app) whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Show the user and lender that your key belongs to, and their limits",
		Args:  noArguments,
		RunE: a.withClient(func(ctx context.Context, c *client.Client) error {
			me, err := c.Me(ctx)
			if err != nil {
				return err
			}
			l := me.Limits
			fmt.Fprintf(a.stdout, "user %s, %s of %s (%s)\n", me.UserID, me.Role, printable(me.Lender.Name), me.Lender.LenderID)
			fmt.Fprintf(a.stdout, "at most %d inquiries in a batch, and %d in unfinished batches, which have %d now\n", l.BatchMax, l.OpenMax, l.Open)
			fmt.Fprintf(a.stdout, "at most %d requests per second, or %d at once after a pause; %d polls of one batch per second\n",
				l.RequestsPerSecond, l.RequestsAtOnce, l.PollsPerSecond)
			return nil
		}),
	}
}
