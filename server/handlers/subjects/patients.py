"""What families ask about their patients (contract.md §4)."""

from server.core.operation import PATIENT, Operation
from server.roster.patients.commands import (
    CreatePatient,
    DeletePatient,
    InviteViewer,
    JoinPatient,
    ListPatients,
    ListViewers,
    ReadPatient,
    RemoveViewer,
    UpdatePatient,
)
from server.roster.patients.patients import Patients
from server.roster.patients.viewers import Viewers


def patient_operations(patients: Patients, viewers: Viewers) -> list[Operation]:
    return [
        Operation(
            "POST",
            "/api/patient/create",
            CreatePatient,
            patients.create_patient,
            PATIENT,
            "登记就诊人(需单独同意健康信息处理)",
            status=201,
            refusals=("wrong_state",),
        ),
        Operation("GET", "/api/patient/list", ListPatients, patients.list_patients, PATIENT, "我的就诊人"),
        Operation("GET", "/api/patient/detail", ReadPatient, patients.read_patient, PATIENT, "就诊人详情"),
        Operation("POST", "/api/patient/update", UpdatePatient, patients.update_patient, PATIENT, "修改就诊人"),
        Operation(
            "POST",
            "/api/patient/delete",
            DeletePatient,
            patients.delete_patient,
            PATIENT,
            "删除就诊人",
            refusals=("wrong_state",),
        ),
        Operation("POST", "/api/patient/invite", InviteViewer, viewers.invite_viewer, PATIENT, "邀请家属查看就诊人"),
        Operation(
            "POST",
            "/api/patient/join",
            JoinPatient,
            viewers.join_patient,
            PATIENT,
            "凭邀请码成为家属",
            refusals=("not_found", "wrong_state"),
        ),
        Operation("GET", "/api/patient/viewers", ListViewers, viewers.list_viewers, PATIENT, "就诊人的家属"),
        Operation("POST", "/api/patient/viewer_remove", RemoveViewer, viewers.remove_viewer, PATIENT, "移除家属"),
    ]
