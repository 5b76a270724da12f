/** The page that a place names. */
import { Boundary } from "../Boundary";
import { ClaimPage } from "./ClaimPage";
import { ErasedPage } from "./Closing";
import { NewClaim } from "./ClaimEdit";
import { CustomerForm } from "./CustomerForm";
import { CustomerPage } from "./CustomerPage";
import { CustomersPage } from "./CustomersPage";
import { hashOf, type Place } from "./place";
import { ImportPage } from "./ImportPage";
import { OfficePage } from "./OfficePage";
import { NewPolicy } from "./PolicyForms";
import { PolicyPage } from "./PolicyPage";
import { NewQuote } from "./QuoteForm";
import { QuotePage } from "./QuotePage";
import { NewTask, TaskPage, TasksPage } from "./TasksPage";
import { WorkflowForm } from "./WorkflowForm";
import { RunPage, WorkflowOne, WorkflowsPage } from "./WorkflowsPage";

export default function CrmPage({ at }: { at: Place }) {
  return <Boundary of={hashOf(at)}>{shown(at)}</Boundary>;
}

function shown({ page, id, with: given }: Place) {
  const form = given.form ?? "";
  switch (page) {
    case "customer":
      return <CustomerPage key={id} id={id} edit={given.edit === "1"} form={form} />;
    case "policy":
      return <PolicyPage key={id} id={id} form={form} />;
    case "claim":
      return <ClaimPage key={id} id={id} form={form} />;
    case "quote":
      return <QuotePage key={id} id={id} form={form} />;
    case "customers":
      return <CustomersPage query={given.q ?? ""} />;
    case "tasks":
      return <TasksPage with={given} />;
    case "task":
      return <TaskPage key={id} id={id} />;
    case "workflows":
      return <WorkflowsPage />;
    case "workflow":
      return <WorkflowOne key={id} id={id} edit={form === "edit"} />;
    case "run":
      return <RunPage key={id} id={id} />;
    case "office":
      return <OfficePage section={given.section ?? ""} />;
    case "erased":
      return <ErasedPage />;
    case "import":
      return <ImportPage />;
    case "new":
      switch (id) {
        case "customer":
          return <CustomerForm key={given.interaction} customer={null} given={given} interaction={given.interaction ?? null} />;
        case "policy":
          return <NewPolicy key={given.customer} with={given} />;
        case "claim":
          return <NewClaim key={given.policy ?? given.customer} with={given} />;
        case "quote":
          return <NewQuote key={given.customer} with={given} />;
        case "workflow":
          return <WorkflowForm flow={null} />;
        default:
          return <NewTask key={given.customer} with={given} />;
      }
  }
}
