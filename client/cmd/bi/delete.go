package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/progress"
)

func (a *app) deleteCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete BATCH",
		Short: "Permanently delete a finished batch's data; its counts remain",
		Long: `Deletes a finished batch's data about businesses and people: its name, its metadata,
its inquiries and their reports. The batch stays in the list with its times and counts.
This cannot be undone, so it asks for confirmation. In scripts, use --yes.`,
		Args:              a.oneBatch,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !yes && !a.attended {
			return errors.New("there is no terminal to ask for confirmation. To delete the batch's data permanently, add --yes")
		}
		return a.withClient(func(ctx context.Context, c *client.Client) error {
			if !yes {
				if err := a.confirmDelete(ctx, c); err != nil {
					return err
				}
			}
			return a.delete(ctx, c)
		})(cmd, args)
	}
	return cmd
}

func (a *app) delete(ctx context.Context, c *client.Client) error {
	b, err := c.Delete(ctx, a.batchID)
	if client.IsKind(err, client.KindNotFinished) {
		return fmt.Errorf("%w\nTo cancel it first, run: bi cancel %s", err, a.batchID)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Deleted. The batch's times and counts remain: %s.\n"+
		"Files with large results are deleted within two days, and the service's backups within 35.\n", progress.Counts(b))
	return nil
}

// confirmDelete asks the person at the terminal. Any answer but yes is an error.
func (a *app) confirmDelete(ctx context.Context, c *client.Client) error {
	b, err := c.Batch(ctx, a.batchID)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%q of %s, %d inquiries, %s\nDelete its data permanently? [y/N] ",
		printable(b.BatchName), b.CreatedAt.Local().Format(time.DateTime), b.Total, b.Status)
	answer, err := interruptible(ctx, func() (string, error) { return bufio.NewReader(a.stdin).ReadString('\n') })
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was deleted, because you did not answer yes")
	}
	return nil
}
