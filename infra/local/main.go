// Command local is `make run`: it starts the whole service on this machine,
// screens a batch through the public API and then keeps running for more calls.
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

// sampleBatch is the batch that is screened by default.
const sampleBatch = "events/sample-batch.json"

type options struct {
	batch  string
	ofac   string
	port   int
	once   bool
	setup  bool
	zizmor bool
}

func main() {
	var o options
	flags := flag.NewFlagSet("make run", flag.ExitOnError)
	flags.StringVar(&o.batch, "batch", sampleBatch, "the batch to screen, a .json or .csv `file` (make run BATCH=file)")
	flags.StringVar(&o.ofac, "ofac", "", "the `folder` with the sanctions list (make run OFAC_DIR=folder)")
	flags.IntVar(&o.port, "port", 0, "the `port` to listen on; by default any free one (make run PORT=number)")
	flags.BoolVar(&o.once, "once", false, "stop after the batch instead of running on (make run ONCE=1)")
	flags.BoolVar(&o.setup, "setup", false, "only install the local engine and the CDK command (make setup)")
	flags.BoolVar(&o.zizmor, "zizmor", false, "only install zizmor, which checks workflows, and print its path (make lint)")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "Runs the service on this machine and screens a batch with it.")
		fmt.Fprintln(flags.Output())
		flags.PrintDefaults()
		fmt.Fprintln(flags.Output(), "\nThe environment variable ENGINE chooses the local AWS engine: "+engine.Names()+" (make run ENGINE=name).")
		fmt.Fprintln(flags.Output(), "\n"+batchfile.Columns)
	}
	_ = flags.Parse(os.Args[1:]) // exits on an error

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := run(ctx, stop, o, os.Stdout)
	if ctx.Err() != nil {
		return // stopped on request; the error only says what was interrupted
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "\n"+err.Error())
		os.Exit(1)
	}
}

// run does everything. When it returns, everything it started has ended.
// restoreCtrlC makes Ctrl-C end the program immediately, as it does by default.
func run(ctx context.Context, restoreCtrlC func(), o options, w io.Writer) error {
	if o.setup {
		return errors.Join(engine.CheckPrerequisites(ctx), engine.Install(ctx, w))
	}
	if o.zizmor {
		program, err := engine.InstallZizmor(ctx, os.Stderr)
		if err == nil {
			fmt.Fprintln(w, program)
		}
		return err
	}
	batch, err := batchfile.Read(o.batch)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: BATCH must name a .json or .csv file", err)
	}
	if err != nil {
		return err
	}
	if sentence := engine.FirstRun(); sentence != "" {
		fmt.Fprintln(w, sentence)
	}
	s := newSteps(w)
	if err := prepare(ctx, s, o); err != nil {
		return err
	}
	aws, stack, err := start(ctx, s, o.port)
	if err != nil {
		return err
	}
	defer aws.Stop()

	var demo *lender
	err = s.do("Creating a lender, a user and an API key", func() (err error) {
		demo, err = demoLender(ctx, aws, stack)
		return err
	})
	if err != nil {
		return err
	}
	if err := screen(ctx, w, s, demo, batch); err != nil {
		return err
	}
	if o.once {
		return nil
	}
	fmt.Fprintf(w, welcome, stack.APIURL, stack.APIURL, stack.APIURL, demo.key)
	select {
	case <-ctx.Done():
		restoreCtrlC()
		fmt.Fprintln(w, "\nStopping.")
		return nil
	case <-aws.Exited():
		return errors.New("the local engine stopped unexpectedly: " + seeLog)
	}
}

// welcome tells a person how to use the service: its address, its reference, and a
// first call. The README's calls need the two variables.
const welcome = `
The service is running at %s
Its API reference is at   %s/v1/docs

Try it in another terminal:

  export BI_URL=%s BI_API_KEY=%s
  curl -H "Authorization: Bearer $BI_API_KEY" "$BI_URL/v1/batch-inquiries/"

Press Ctrl-C to stop the service. It keeps no data.
`

// prepare installs and builds what the service needs.
func prepare(ctx context.Context, s *steps, o options) error {
	err := s.do("Checking the programs it needs, and the port", func() error {
		return errors.Join(engine.CheckPrerequisites(ctx), engine.CheckPort(o.port))
	})
	if err != nil {
		return err
	}
	if err := s.do("Installing the local AWS engine", func() error { return engine.Install(ctx, nil) }); err != nil {
		return err
	}
	return s.do("Building the functions", func() error { return buildWith(ctx, o.ofac) })
}

// start starts the engine and deploys the service to it. The caller stops the
// engine.
func start(ctx context.Context, s *steps, port int) (aws *engine.Engine, stack engine.Outputs, err error) {
	err = s.do("Starting the engine", func() (err error) {
		aws, err = engine.Start(ctx, engine.Options{Port: port})
		return err
	})
	if err != nil {
		return nil, stack, err
	}
	err = s.do("Deploying the service to it", func() (err error) {
		stack, err = aws.Deploy(ctx)
		return err
	})
	if err != nil {
		aws.Stop()
		return nil, stack, err
	}
	return aws, stack, nil
}

// buildWith builds the functions with the sanctions list in the folder ofac, which
// is relative to the working directory.
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

// steps prints each step and how long it took.
type steps struct {
	w       io.Writer
	started time.Time
}

func newSteps(w io.Writer) *steps { return &steps{w: w, started: time.Now()} }

// do runs the work of one step.
func (s *steps) do(name string, work func() error) error {
	fmt.Fprintf(s.w, "%-48s", name+" ...")
	started := time.Now()
	if err := work(); err != nil {
		fmt.Fprintln(s.w)
		return err
	}
	fmt.Fprintf(s.w, "%6.1f s\n", time.Since(started).Seconds())
	return nil
}
