"""What has happened to patients, their family and caregivers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ViewerJoined:
    """An account became family of a patient."""

    patient_id: str
    user_id: str
    may_chat: bool


@dataclass(frozen=True, slots=True)
class ViewerRemoved:
    """An account is no longer family of a patient; its access ends now."""

    patient_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class QualificationSubmitted:
    """Papers wait for an administrator."""

    certification_id: str
    caregiver_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class QualificationReviewed:
    """An administrator decided about papers; `decision` is "approve" or "reject"."""

    certification_id: str
    caregiver_id: str
    user_id: str
    decision: str
    reason: str
