// Command local is `make run`: it starts the whole service on this machine,
// screens a batch through its public API and stays up for more.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/batch-inquiries/batch-inquiries/client/batchfile"
	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

// sampleBatch is screened when no other batch is named.
const sampleBatch = "events/sample-batch.json"

type options struct {
	batch string
	ofac  string
	port  int
	once  bool
	setup bool
}

func main() {
	var o options
	flags := flag.NewFlagSet("make run", flag.ExitOnError)
	flags.StringVar(&o.batch, "batch", sampleBatch, "the batch to screen, a .json or .csv `file` (make run BATCH=file)")
	flags.StringVar(&o.ofac, "ofac", "", "the `folder` with the sanctions list (make run OFAC_DIR=folder)")
	flags.IntVar(&o.port, "port", 0, "the `port` to listen on, any free one by default (make run PORT=number)")
	flags.BoolVar(&o.once, "once", false, "stop after the batch instead of staying up (make run ONCE=1)")
	flags.BoolVar(&o.setup, "setup", false, "only install what running needs (make setup)")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "Runs the service on this machine and screens a batch with it.")
		fmt.Fprintln(flags.Output())
		flags.PrintDefaults()
		fmt.Fprintln(flags.Output(), "\n"+batchfile.Columns)
	}
	_ = flags.Parse(os.Args[1:]) // exits by itself

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := run(ctx, stop, o, os.Stdout)
	if ctx.Err() != nil {
		return // stopped on request, wherever that found us
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "\n"+err.Error())
		os.Exit(1)
	}
}

// run does everything; what it started has ended when it returns. stopAsking
// gives Ctrl-C its usual meaning back.
func run(ctx context.Context, stopAsking func(), o options, w io.Writer) error {
	if o.setup {
		return errors.Join(engine.CheckPrerequisites(ctx), engine.Install(ctx, w))
	}
	batch, err := batchfile.Read(o.batch)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: BATCH must name a .json or .csv file", err)
	}
	if err != nil {
		return err
	}
	steps := newSteps(w)
	if !engine.Installed() {
		fmt.Fprintln(w, "The first run installs and compiles what later runs find ready: two to three minutes, most of it the build.")
	}
	err = steps.do("Checking Node.js, Python and the port", func() error {
		return errors.Join(engine.CheckPrerequisites(ctx), engine.CheckPort(o.port))
	})
	if err != nil {
		return err
	}
	if err := steps.do("Installing the local AWS engine", func() error { return engine.Install(ctx, nil) }); err != nil {
		return err
	}
	if err := steps.do("Building the functions", func() error { return buildWith(ctx, o.ofac) }); err != nil {
		return err
	}
	var aws *engine.Engine
	err = steps.do("Starting the engine", func() (err error) {
		aws, err = engine.Start(ctx, engine.Options{Port: o.port})
		return err
	})
	if err != nil {
		return err
	}
	defer aws.Stop()

	var stack engine.Outputs
	err = steps.do("Deploying the stack to it", func() (err error) {
		stack, err = aws.Deploy(ctx)
		return err
	})
	if err != nil {
		return err
	}
	var demo *lender
	err = steps.do("Making a lender, a user and their API key", func() (err error) {
		demo, err = demoLender(ctx, aws, stack)
		return err
	})
	if err != nil {
		return err
	}
	if err := screen(ctx, w, steps, demo, batch); err != nil {
		return err
	}
	if o.once {
		return nil
	}
	fmt.Fprintf(w, "\nThe service is up, until you press Ctrl-C. It forgets everything then.\n\n  %s\n\n  curl -H 'Authorization: Bearer %s' \\\n    %s/v1/batch-inquiries/\n\n",
		stack.APIURL, demo.key, stack.APIURL)
	select {
	case <-ctx.Done():
		stopAsking()
		fmt.Fprintln(w, "\nStopping.")
		return nil
	case <-aws.Exited():
		return errors.New("the local engine ended by itself: " + seeLog)
	}
}

// buildWith builds with the sanctions list of a folder that is named from where
// the caller stands.
func buildWith(ctx context.Context, ofac string) error {
	if ofac != "" {
		absolute, err := filepath.Abs(ofac)
		if err != nil {
			return err
		}
		ofac = absolute
	}
	return engine.Build(ctx, ofac)
}

// steps prints what is being done and how long it took.
type steps struct {
	w     io.Writer
	begun time.Time
}

func newSteps(w io.Writer) *steps { return &steps{w: w, begun: time.Now()} }

func (s *steps) do(what string, work func() error) error {
	fmt.Fprintf(s.w, "%-48s", what+" ...")
	begun := time.Now()
	if err := work(); err != nil {
		fmt.Fprintln(s.w)
		return err
	}
	fmt.Fprintf(s.w, "%6.1f s\n", time.Since(begun).Seconds())
	return nil
}
