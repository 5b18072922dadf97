package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/progress"
)

func (a *app) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "cancel BATCH",
		Short:             "Cancel a batch's inquiries that have not started; running ones finish",
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.withClient(func(ctx context.Context, c *client.Client) error {
			b, err := c.Cancel(ctx, a.batchID)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s: %s (%s)\n", b.Status, b.StatusReason, progress.Counts(b))
			return nil
		}),
	}
}
