package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// printer writes tables, for a terminal or for the README.
type printer struct {
	w        io.Writer
	markdown bool
}

// begin and end enclose the tables, so that a block of the README can be found
// and replaced.
func (p *printer) begin() {
	if p.markdown {
		fmt.Fprintf(p.w, "<!-- make bench -->\n\nMeasured on %s.\n", machine())
		return
	}
	fmt.Fprintf(p.w, "Measured on %s.\n", machine())
}

func (p *printer) end() {
	if p.markdown {
		fmt.Fprintln(p.w, "\n<!-- end of make bench -->")
	}
}

// show prints one table under a sentence. All columns but the first are figures.
func (p *printer) show(sentence string, header table.Row, rows ...table.Row) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	configs := make([]table.ColumnConfig, len(header))
	for i := range header {
		align := text.AlignRight
		if i == 0 {
			align = text.AlignLeft
		}
		configs[i] = table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(header)
	t.AppendRows(rows)
	fmt.Fprintf(p.w, "\n%s\n\n", sentence)
	if p.markdown {
		fmt.Fprintln(p.w, t.RenderMarkdown())
		return
	}
	fmt.Fprintln(p.w, t.Render())
}

func (p *printer) perInquiry(all []outcome) {
	var rows []table.Row
	for _, o := range all {
		of := func(b bill, total float64) string { return fmt.Sprintf("%.2f", b.each(total)) }
		rows = append(rows, table.Row{o.size,
			of(o.bare, o.bare.table().writes), of(o.ours, o.ours.table().writes), of(o.naive, o.naive.table().writes),
			of(o.ours, o.ours.table().reads),
			of(o.ours, float64(o.ours.queue.requests())), of(o.naive, float64(o.naive.queue.requests())),
			of(o.ours, float64(o.ours.invocations())), of(o.naive, float64(o.naive.invocations()))})
	}
	rows = append(rows, table.Row{"budget", fmt.Sprintf("≤ %.2f", budgetWrites), "", "", "",
		fmt.Sprintf("≤ %.2f", budgetRequests), "", fmt.Sprintf("≤ %.2f", budgetInvocations), ""})
	last := all[len(all)-1].ours
	p.show(fmt.Sprintf("What one inquiry takes, from its batch's submission until the batch is final, by size of the batch. A report has %d bytes here.",
		last.reportBytes/last.inquiries),
		table.Row{"Batch of", "Write units", "… with reports", "naive", "Read units", "SQS requests", "naive", "Invocations", "naive"}, rows...)
}

func (p *printer) perFunction(o outcome) {
	var rows []table.Row
	for _, name := range slices.Sorted(maps.Keys(o.ours.functions)) {
		f := o.ours.functions[name]
		operations := slices.Sorted(maps.Keys(f.table))
		used := f.table.total()
		rows = append(rows, table.Row{name, f.invocations, used.calls, figure(o.bare.functions[name].table.total().writes), figure(used.writes), figure(used.reads), strings.Join(operations, ", ")})
	}
	p.show(fmt.Sprintf("Who takes it, for a whole batch of %d.", o.size),
		table.Row{"Function", "Invocations", "Calls of the table", "Write units", "… with reports", "Read units", "Operations"}, rows...)
}

func (p *printer) sensitivity(rates []int, bills []bill) {
	var rows []table.Row
	for i, b := range bills {
		rows = append(rows, table.Row{rates[i], b.functions["tally-statuses"].invocations,
			fmt.Sprintf("%.2f", b.each(b.table().writes)), fmt.Sprintf("%.2f", b.each(float64(b.invocations())))})
	}
	p.show(fmt.Sprintf("The counters are written once a second. The tables take it that %d inquiries of a batch end in a second; this is a batch of %d at other speeds.", perTally, costBatch),
		table.Row{"Inquiries a second", "Calls of tally-statuses", "Write units an inquiry", "Invocations an inquiry"}, rows...)
}

func (p *printer) readings(all []listReading) {
	var rows []table.Row
	for _, r := range all {
		naive := ""
		if r.naive != nil {
			naive = figure(r.naive.reads)
		}
		rows = append(rows, table.Row{r.what, r.offset, r.ours.calls, figure(r.ours.reads), naive})
	}
	p.show("What a reading takes.", table.Row{"Reading", "Offset", "Calls of the table", "Read units", "naive"}, rows...)
}

func (p *printer) costs(list []priced) {
	var rows []table.Row
	var ours, naive, reports float64
	for _, l := range list {
		a, b := l.price*l.ours, l.price*l.naive
		ours, naive = ours+a, naive+b
		if strings.Contains(l.what, "reports") {
			reports += a
		}
		rows = append(rows, table.Row{l.what + ", " + l.unit, amount(l.ours), fmt.Sprintf("%.2f", a), amount(l.naive), fmt.Sprintf("%.2f", b)})
	}
	rows = append(rows,
		table.Row{"all of it", "", fmt.Sprintf("%.2f", ours), "", fmt.Sprintf("%.2f", naive)},
		table.Row{"all of it but the reports' bytes", "", fmt.Sprintf("%.2f", ours-reports), "", ""},
		table.Row{"budget", "", fmt.Sprintf("≤ %.2f", budgetDollars), "", ""})
	p.show(fmt.Sprintf("What 1,000,000 inquiries in batches of %d cost in us-east-1, in dollars at the list prices of %s, the sources' own fees aside. "+
		"Each batch is polled %d times and read once in %d pages. Assumed, not counted: a worker is busy for %.0f ms, Lambda logs %d bytes an invocation.",
		costBatch, pricesOf, polls, listPages, 1000*lambdaTimes["process-inquiry"].seconds, platformLogBytes),
		table.Row{"", "How many", "$", "naive", "$"}, rows...)
}

func (p *printer) functions(facts []functionFacts) {
	var rows []table.Row
	for _, f := range facts {
		rows = append(rows, table.Row{f.name, fmt.Sprintf("%.1f", float64(f.zip)/1e6), fmt.Sprintf("%.0f", float64(f.start.Microseconds())/1e3), f.secrets})
	}
	rows = append(rows, table.Row{"budget", "≤ 5.0", "≤ 30", ""})
	p.show(fmt.Sprintf("How large a function is, and how long its process takes until it asks for its first event, the median of %d starts.", starts),
		table.Row{"Function", "Zip, MB", "Start, ms", "Secrets read"}, rows...)
}

// figure is a number of units, with a half where there is one.
func figure(units float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", units), ".0") }

// amount is a large number, in words that can be compared.
func amount(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f billion", n/1e9)
	case n >= 1e5:
		return fmt.Sprintf("%.2f million", n/1e6)
	default:
		return fmt.Sprintf("%.0f", n)
	}
}
