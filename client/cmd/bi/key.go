package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func (a *app) whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Say whom your key stands for, and its limits",
		Args:  cobra.NoArgs,
		RunE: a.calling(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			me, err := c.Me(cmd.Context())
			if err != nil {
				return err
			}
			l := me.Limits
			fmt.Fprintf(a.stdout, "user %s, %s of %s (%s)\n", me.UserID, me.Role, printable(me.Lender.Name), me.Lender.LenderID)
			fmt.Fprintf(a.stdout, "at most %d inquiries in a batch, and %d in unfinished batches, which have %d now\n", l.BatchMax, l.OpenMax, l.Open)
			fmt.Fprintf(a.stdout, "at most %d requests a second, or %d at once after a pause; %d polls a second of one batch\n",
				l.RequestsPerSecond, l.RequestsAtOnce, l.PollsPerSecond)
			return nil
		}),
	}
}

func (a *app) keyCommand() *cobra.Command {
	key := &cobra.Command{
		Use:   "key",
		Short: "Show, rotate or revoke your API key",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	key.AddCommand(&cobra.Command{
		Use:   "show",
		Short: "Print your API key, which the first call creates",
		Long: `Prints your API key, which the first call creates. For that first call BI_API_KEY
holds the token of your signing in.`,
		Args: cobra.NoArgs,
		RunE: a.calling(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			key, err := c.APIKey(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, key)
			return nil
		}),
	}, a.rotateCommand(), &cobra.Command{
		Use:   "revoke",
		Short: "End your API key; there is no other until you sign in and rotate",
		Args:  cobra.NoArgs,
		RunE: a.calling(func(cmd *cobra.Command, c *client.Client, _ []string) error {
			if err := c.RevokeAPIKey(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, "Your API key has ended. Where it was used just now it may work for minutes more.")
			return nil
		}),
	})
	return key
}

func (a *app) rotateCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "rotate --to FILE",
		Short: "End your API key and write another to a file that only you can read",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().StringVar(&path, "to", "", "the `file` for the new key; it must not exist yet")
	if err := cmd.MarkFlagRequired("to"); err != nil {
		panic(err) // only for a flag that does not exist
	}
	cmd.RunE = a.calling(func(cmd *cobra.Command, c *client.Client, _ []string) (err error) {
		// First the file: a key that could not be kept would be lost.
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		defer func() {
			if closed := f.Close(); err == nil {
				err = closed
			}
		}()
		key, err := c.RotateAPIKey(cmd.Context())
		if err != nil {
			os.Remove(path)
			if p, ok := errors.AsType[*client.Problem](err); ok && !p.Temporary() {
				return err
			}
			return fmt.Errorf("%w\nIf the answer was lost, the key may be another by now: `bi key show` says, with the token of your signing in as BI_API_KEY", err)
		}
		if _, err := fmt.Fprintln(f, key); err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "Your new API key is in %s. The old one ends; where it was used just now it may work for minutes more.\n", path)
		return nil
	})
	return cmd
}
