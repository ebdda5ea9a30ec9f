// The booking that is being filled in; it outlives its page, so that going back loses nothing.
import { defineStore } from "pinia";
import { ref } from "vue";

export interface Draft {
  service_type: string;
  /** Of what is booked by the hour. */
  hours: number;
  /** Asked for by name; null: the platform finds somebody. */
  caregiver: { caregiver_id: string; name: string } | null;
  hospital_id: string;
  department: string;
  bed_no: string;
  date: string;
  start_at: string;
  patient_id: string;
  contact_phone: string;
  wishes: string[];
  requirements: string;
}

function empty(): Draft {
  return {
    service_type: "", hours: 2, caregiver: null, hospital_id: "", department: "", bed_no: "", date: "", start_at: "", patient_id: "",
    contact_phone: "", wishes: [], requirements: "",
  };
}

export const useBooking = defineStore("booking", () => {
  const draft = ref<Draft>(empty());

  function change(changes: Partial<Draft>): void {
    draft.value = { ...draft.value, ...changes };
  }

  /** It was booked, or somebody else is logged in. */
  function $reset(): void {
    draft.value = empty();
  }

  return { draft, change, $reset };
});
