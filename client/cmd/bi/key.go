package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func (a *app) keyCommand() *cobra.Command {
	key := &cobra.Command{
		Use:   "key",
		Short: "Show, rotate or revoke your API key",
		Args:  noArguments,
		RunE:  showHelp,
	}
	key.AddCommand(a.showKeyCommand(), a.rotateKeyCommand(), a.revokeKeyCommand())
	return key
}

func (a *app) showKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Print your API key; the first call creates it",
		Long: `Prints your API key. The first call creates it. For that call you have no key yet, so
set BI_API_KEY to your sign-in token.`,
		Args: noArguments,
		RunE: a.withClient(func(ctx context.Context, c *client.Client) error {
			key, err := c.APIKey(ctx)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, key)
			return nil
		}),
	}
}

func (a *app) revokeKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke",
		Short: "End your API key; to get a new one, sign in and rotate",
		Long: `Ends your API key without a replacement. To get a new key, set BI_API_KEY to your
sign-in token and run bi key rotate.`,
		Args: noArguments,
		RunE: a.withClient(func(ctx context.Context, c *client.Client) error {
			if err := c.RevokeAPIKey(ctx); err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, "Your API key has ended. "+oldKeyLingers)
			return nil
		}),
	}
}

const oldKeyLingers = "If it was used in the last minute, it may still read for up to one more."

func (a *app) rotateKeyCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "rotate --to FILE",
		Short: "End your API key and write a new one to a file that only you can read",
		Long: `Ends your API key and writes a new one to a file that only you can read. Set
BI_API_KEY to your sign-in token: an API key cannot replace itself, because whoever
stole it could then keep the access and lock you out.`,
		Args: noArguments,
	}
	cmd.Flags().StringVar(&path, "to", "", "the `file` for the new key; it must not exist yet")
	if err := cmd.MarkFlagRequired("to"); err != nil {
		panic(err) // only if the flag does not exist
	}
	cmd.RunE = a.withClient(func(ctx context.Context, c *client.Client) error {
		if err := rotateInto(ctx, c, path); err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "Your new API key is in %s. The old one has ended. %s\n", path, oldKeyLingers)
		return nil
	})
	return cmd
}

// rotateInto rotates the key and writes the new one to a new file. It creates the
// file first, because a new key that cannot be written would be lost.
func rotateInto(ctx context.Context, c *client.Client, path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	key, err := c.RotateAPIKey(ctx)
	if err != nil {
		os.Remove(path)
		if p, ok := errors.AsType[*client.Problem](err); ok && !p.Temporary() {
			return err
		}
		return fmt.Errorf("%w\nYour key may have been rotated although no response arrived. To see your current key, set BI_API_KEY to your sign-in token and run `bi key show`", err)
	}
	_, err = fmt.Fprintln(f, key)
	return err
}
