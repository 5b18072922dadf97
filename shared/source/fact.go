package source

// Fact is one statement under a name that sources share, so that the statements
// of different sources can be compared. Its value is a string or a bool; numbers
// and dates are strings, so that JSON cannot change them.
type Fact struct {
	Name  string `json:"name" doc:"Name of the fact, which sources share, such as sanctions.program."`
	Value any    `json:"value" doc:"A string or a boolean; numbers and dates are strings."`
	Raw   string `json:"raw,omitempty" doc:"The source's own wording, if it differs." example:"Active/In Existence"`
}

// The names of the facts. A source that states one of these things uses its name,
// and a new thing gets a new name here. Stored reports contain them, so a name
// never changes.
const (
	// FactSanctionsList is the sanctions list that the subject was screened
	// against. Every record of a screening states it, whether there is a match or
	// not, and it is how package report recognizes a screening.
	FactSanctionsList = "sanctions.list"
	// FactSanctionsListDate is the date of that list, as YYYY-MM-DD.
	FactSanctionsListDate = "sanctions.list_date"

	FactSanctionsEntityID = "sanctions.entity_id" // the list's own number for the matched entry
	FactSanctionsProgram  = "sanctions.program"   // a program under which that entry is sanctioned; one fact for each

	// A match states one of these two, and its value is true. The source decides
	// which.
	FactSanctionsPotentialMatch = "sanctions.potential_match"
	FactSanctionsStrongMatch    = "sanctions.strong_match"
)
