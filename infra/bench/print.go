package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
)

// section is one table of results. The terminal shows its text and table, and
// docs/figures.md all of it.
type section struct {
	title  string
	text   string // what the table shows
	notes  string // how to read it; may be empty
	header table.Row
	rows   []table.Row
}

// printer prints each section as soon as it is measured, and keeps it for
// docs/figures.md.
type printer struct {
	w        io.Writer
	sections []section
}

func (p *printer) show(s section) {
	fmt.Fprintf(p.w, "\n%s\n\n%s\n", s.text, s.table().Render())
	p.sections = append(p.sections, s)
}

// table returns the section's table. All columns but the first are figures.
func (s section) table() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	configs := make([]table.ColumnConfig, len(s.header))
	for i := range s.header {
		align := text.AlignRight
		if i == 0 {
			align = text.AlignLeft
		}
		configs[i] = table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(s.header)
	t.AppendRows(s.rows)
	return t
}

func inquirySection(all []outcome) section {
	var rows []table.Row
	for _, o := range all {
		each := func(b bill, total float64) string { return fmt.Sprintf("%.2f", b.each(total)) }
		rows = append(rows, table.Row{o.size,
			each(o.withoutReports, o.withoutReports.table().writes), each(o.ours, o.ours.table().writes), each(o.naive, o.naive.table().writes),
			each(o.ours, o.ours.table().reads),
			each(o.ours, float64(o.ours.queue.requests())), each(o.naive, float64(o.naive.queue.requests())),
			each(o.ours, float64(o.ours.invocations())), each(o.naive, float64(o.naive.invocations()))})
	}
	rows = append(rows, table.Row{"budget", fmt.Sprintf("≤ %.2f", budgetWrites), "", "", "",
		fmt.Sprintf("≤ %.2f", budgetRequests), "", fmt.Sprintf("≤ %.2f", budgetInvocations), ""})
	last := all[len(all)-1].ours
	return section{
		title: "One inquiry, by batch size",
		text: fmt.Sprintf("Usage of one inquiry from the submission of its batch until the batch is final, by batch size. A report has %d bytes here.",
			last.reportBytes/last.inquiries),
		notes: fmt.Sprintf("*With reports* adds the write units for the bytes of the reports. The budgets apply to batches of %d. "+
			"Each batch has fixed costs, so a batch of one uses more than it does in the naive design. Large batches use about a quarter of the naive design's write units.", costBatch),
		header: table.Row{"Batch size", "Write units", "with reports", "naive", "Read units", "SQS requests", "naive", "Invocations", "naive"},
		rows:   rows,
	}
}

func functionSection(o outcome) section {
	var rows []table.Row
	for _, name := range slices.Sorted(maps.Keys(o.ours.functions)) {
		f := o.ours.functions[name]
		operations := slices.Sorted(maps.Keys(f.table))
		used := f.table.total()
		rows = append(rows, table.Row{name, f.invocations, used.calls, formatUnits(o.withoutReports.functions[name].table.total().writes),
			formatUnits(used.writes), formatUnits(used.reads), strings.Join(operations, ", ")})
	}
	return section{
		title:  "One batch, by function",
		text:   fmt.Sprintf("Usage of each function for a whole batch of %d.", o.size),
		notes:  "A table call is one request to DynamoDB.",
		header: table.Row{"Function", "Invocations", "Table calls", "Write units", "with reports", "Read units", "Operations"},
		rows:   rows,
	}
}

func speedSection(rates []int, bills []bill) section {
	var rows []table.Row
	for i, b := range bills {
		rows = append(rows, table.Row{rates[i], b.functions[deployment.TallyStatuses].invocations,
			fmt.Sprintf("%.2f", b.each(b.table().writes)), fmt.Sprintf("%.2f", b.each(float64(b.invocations())))})
	}
	return section{
		title: "Counter updates, by speed",
		text: fmt.Sprintf("A batch's counters are written once per second. The other tables assume that %d inquiries of a batch finish per second. This table shows a batch of %d at other speeds.",
			perTally, costBatch),
		header: table.Row{"Inquiries per second", "tally-statuses invocations", "Write units per inquiry", "Invocations per inquiry"},
		rows:   rows,
	}
}

func laneSection(lanes []int, bills []bill) section {
	var rows []table.Row
	for i, b := range bills {
		writes := b.functions[deployment.TallyStatuses].table
		rows = append(rows, table.Row{lanes[i], writes["UpdateItem"].calls + writes["TransactWriteItems"].calls, fmt.Sprintf("%.2f", b.each(b.table().writes))})
	}
	return section{
		title: "Counter updates, by lanes",
		text: fmt.Sprintf("`tally-statuses` can read a shard of the stream in several lanes at the same time, which get the inquiries of one batch by turns. This table shows a batch of %d at %d inquiries per second. One to ten lanes are possible; %d is deployed.",
			costBatch, perTally, deployment.TallyLanes),
		notes:  "Invocations that race for a header repeat their writes, and a rejected write costs as much as any other. The number of races differs between runs.",
		header: table.Row{"Lanes", "Writes of the header, with rejected ones", "Write units per inquiry"},
		rows:   rows,
	}
}

func interleavedSection(single, typical outcome, interleaved float64) section {
	return section{
		title: "Batches that are counted one by one",
		text: fmt.Sprintf("Write units of one inquiry without its report. With 10,000 open batches that the queue serves fairly, an event of `tally-statuses` has one record of each batch. "+
			"The bench measures that with %d batches of %d, whose first %d inquiries it screens in turns.", interleavedBatches, costBatch, interleavedRounds),
		notes:  "In such events, `tally-statuses` leaves out that an inquiry has started. Otherwise the second row would be one unit more.",
		header: table.Row{"Batches", "Write units", "budget"},
		rows: []table.Row{
			{fmt.Sprintf("%d at a time", costBatch), fmt.Sprintf("%.2f", typical.withoutReports.each(typical.withoutReports.table().writes)), fmt.Sprintf("≤ %.2f", budgetWrites)},
			{fmt.Sprintf("10,000 of %d, interleaved", costBatch), fmt.Sprintf("%.2f", interleaved), fmt.Sprintf("≤ %.2f", budgetInterleavedWrites)},
			{"a single inquiry", fmt.Sprintf("%.2f", single.withoutReports.each(single.withoutReports.table().writes)), fmt.Sprintf("≤ %.2f", float64(budgetSingleWrites))},
		},
	}
}

// firstLimits is how many limits the capacity section shows.
const firstLimits = 5

func capacitySection(l load) section {
	var rows []table.Row
	var parts []string
	for _, s := range l.mix {
		parts = append(parts, fmt.Sprintf("%.0f%% in batches of %d", 100*s.of, s.size))
	}
	for _, one := range limits(l)[:firstLimits] {
		raised := ""
		if one.onRequest {
			raised = "yes"
		}
		rows = append(rows, table.Row{one.name, formatAmount(one.needed), formatAmount(one.most), one.unit, fmt.Sprintf("%.0f%%", 100*one.used()), raised})
	}
	return section{
		title: "Limits that are reached first",
		text: fmt.Sprintf("Computed for the peak of %s inquiries a day, %.0f times the average, from %d lenders: %s. The %d limits that this load comes closest to, of %d.",
			formatAmount(l.perDay), l.peak, l.lenders, strings.Join(parts, ", "), firstLimits, len(limits(l))),
		notes: "The limits are those of a new AWS account, of a new table with four partitions and shards, and of `shared/deployment`. AWS raises some of them on request. Assumptions and sources are in `infra/bench/capacity.go`. " +
			"`go run ./infra/bench -capacity -day 20e6 -mix 250:50,1:50` computes the table for another load.",
		header: table.Row{"Resource", "Needed", "Limit", "Unit", "Used", "Raised on request"},
		rows:   rows,
	}
}

func readSection(all []listReading) section {
	var rows []table.Row
	for _, r := range all {
		naive := ""
		if r.naive != nil {
			naive = formatUnits(r.naive.reads)
		}
		rows = append(rows, table.Row{r.name, r.offset, r.ours.calls, formatUnits(r.ours.reads), naive})
	}
	return section{
		title:  "Reads",
		text:   "Usage of one read request to the API, at several offsets.",
		notes:  "A test checks that a page far down a list uses no more than the first page. The naive design has to read everything before the offset.",
		header: table.Row{"Request", "Offset", "Table calls", "Read units", "naive"},
		rows:   rows,
	}
}

func costSection(list []priced) section {
	var rows []table.Row
	var ours, naive, reports float64
	for _, l := range list {
		a, b := l.price*l.ours, l.price*l.naive
		ours, naive = ours+a, naive+b
		if strings.Contains(l.name, "reports") {
			reports += a
		}
		rows = append(rows, table.Row{l.name + ", " + l.unit, formatAmount(l.ours), fmt.Sprintf("%.2f", a), formatAmount(l.naive), fmt.Sprintf("%.2f", b)})
	}
	rows = append(rows,
		table.Row{"total", "", fmt.Sprintf("%.2f", ours), "", fmt.Sprintf("%.2f", naive)},
		table.Row{"total without reports", "", fmt.Sprintf("%.2f", ours-reports), "", ""},
		table.Row{"budget without reports", "", fmt.Sprintf("≤ %.2f", budgetDollars), "", ""})
	return section{
		title: "Price of a million inquiries",
		text: fmt.Sprintf("Cost of 1,000,000 inquiries in batches of %d, in US dollars at the us-east-1 list prices of %s. The sources' own fees are not included.",
			costBatch, pricesOf),
		notes: fmt.Sprintf("Each batch is polled %d times and its inquiries are read once, in %d pages of %d. \"SQS, fair to lenders\" is the surcharge for messages with a group ID, "+
			"by which the queue serves lenders evenly.", polls, listPages, pageLimit),
		header: table.Row{"Resource", "Amount", "$", "naive", "$"},
		rows:   rows,
	}
}

func startSection(facts []functionFacts) section {
	var rows []table.Row
	for _, f := range facts {
		rows = append(rows, table.Row{f.name, fmt.Sprintf("%.1f", float64(f.zip)/1e6), fmt.Sprintf("%.0f", float64(f.start.Microseconds())/1e3), f.secrets})
	}
	rows = append(rows, table.Row{"budget", fmt.Sprintf("≤ %.1f", budgetZip/1e6), fmt.Sprintf("≤ %d", budgetStart.Milliseconds()), ""})
	return section{
		title: "Function size and start time",
		text:  fmt.Sprintf("Size of each function's zip file, and time from the start of its process until it asks for its first event, as the median of %d starts.", starts),
		notes: "The sizes are of the arm64 build for AWS. The times were measured outside Lambda, on this machine. `process-inquiry` contains the repository's small invented sanctions list. " +
			"With the official SDN list, its zip had 4.4 MB and it started in 20 ms on 2026-11-23; `OFAC_DIR=folder` adds a row for the list in that folder.",
		header: table.Row{"Function", "Zip, MB", "Start, ms", "Secrets read"},
		rows:   rows,
	}
}

// formatUnits formats a number of capacity units, which may end in a half.
func formatUnits(units float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", units), ".0") }

// formatAmount formats a number, a large one in millions or billions.
func formatAmount(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f billion", n/1e9)
	case n >= 1e5:
		return fmt.Sprintf("%.2f million", n/1e6)
	default:
		return fmt.Sprintf("%.0f", n)
	}
}
