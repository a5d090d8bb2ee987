"""Template: a campaign file to start from, every key explained."""

from __future__ import annotations

import re
from pathlib import Path

from atomsieve.structures.errors import InputError

TEMPLATE = """\
# A campaign of atomsieve.  See what it would run:  atomsieve plan {name}.yaml
#                           Run it, or go on:       atomsieve run {name}.yaml
name: {name}

# Sites.  Each entry is a family of supports with its parameters; a list of values means every combination.
# All families: `atomsieve families`; the parameters of one: `atomsieve families graphene`.
sites:
  - family: graphene          # doped graphene
    metals: [Fe, Co, Ni]      # any transition metal
    coordination: [N4]        # 4 or 3 of N, C, O, S, P, B: N3S1, N3, N2C2 (all isomers; or N2C2-trans, -cis5, -cis6)
    supercell: 4x4            # primitive cells
    # dopants: S@3.10         # an element in place of the carbons so many Å from the site; N@<5 for all up to there
    # axial: OH               # a ligand on the far face
  # - family: graphene-dual   # two metals that share a hole
  #   metals: [Fe-Co]
  # - family: porphine        # metalloporphine, as a molecule
  #   metals: [Co]
  # - family: structure       # your own
  #   file: mine.cif

# Reactions imply their adsorbates; name further ones under `adsorbates`. All of them: atomsieve reactions. CO2RR-CO,
# CO2RR-CH4, NRR, NO3RR ... bring HER along, which competes; NRR:distal is one route, with fewer adsorbates.
reactions: [ORR, OER, HER]
# adsorbates: [H]             # further ones than the reactions need
# resting: [OH, O]            # each site with one metal also with these on its far face, see docs/reactions.md

# Method: mock (instant, numbers mean nothing), emt, gfn1-xtb, gfn2-xtb, chgnet, sevennet, mace, fairchem, gpaw, cp2k,
# espresso, vasp; what works here: atomsieve doctor.  Only DFT predicts; the others are for pre-screening.
# Several methods, each for what passed the one before: `stages` in place of `method`, see docs/stages.md.
method:
  calculator: gfn1-xtb
  # settings:
  #   electronic_temperature: 300.0   # K
  #   spin_polarization: 1.0

relaxation:
  fmax: 0.05                  # eV/Å
  max_steps: 300
  optimizer: BFGS             # BFGS, LBFGS, FIRE
  # ladder: false             # one attempt, rather than other numerics where an SCF or a geometry does not converge

# A cheaper method that relaxes every start first; poses that fall together then reach the method above once.
# prerelaxation:
#   calculator: gfn1-xtb
#   fmax: 0.1
#   keep: 2                   # at most so many distinct poses of each spin; all of them unless given

# The final geometries' energies from another method; all energies of a sum then come from it.
# single_point:
#   calculator: gfn2-xtb

# Spin.  `scan`: every state of the metals' d shells (low, intermediate, high; two metals also antiparallel); `fixed`:
# the first of these; a number: so many multiplicities.  With an adsorbate also `inherit`: those next to the clean
# site's (m-1 and m+1 where it flips the parity, else m-2, m and m+2).
spin:
  clean: scan
  adsorbed: inherit

# Poses of an adsorbate: lean from the open direction (degrees), turns about it; equal ones are dropped.
poses:
  tilts: [0.0]
  azimuths: 8
  # most: 2
  # torsions: all             # also turn bonds within adsorbates (OOH, COOH ...); `start` leaves them as tabulated

conditions:
  temperature: 298.15         # K; tabulated free energies hold here, others need calculated vibrations
  pH: 0.0
  potential: 0.0              # V
  scale: RHE                  # or SHE, or absolute, with `she` (4.44 V) for that of the hydrogen electrode
  # pressures: {{CO2: 0.5}}     # bar, of gases; `activities` of what is dissolved; 1 where nothing is stated
  # phases: {{NH3: g}}          # a product as a gas (g), dissolved (aq), liquid (l); acids and bases go by pH

# What turns electronic into free energies: the tables `norskov` (ORR, OER, HER) and `peterson` (H, O, OH, COOH, CO,
# CHO, CH2O, OCH3), calculated vibrations (`harmonic`; or `quasi-harmonic`: modes below `floor` are raised to it), or
# none.
thermochemistry:
  corrections: norskov
  gases: experiment           # reactants and products; `computed`: by the method, and by how much that is wrong is said
  gas_corrections: none       # known errors of a functional for CO2, CO, H2 ...: granda-marulanda, peterson, studt
  solvation: none             # `table` adds tabulated solvation of metal surfaces: a sensitivity, not a default
  # floor: 100.0              # cm-1
  # displacement: 0.01        # Å
  # metal: true               # displace the metals too, and take off their modes in the clean site
  # follow: true              # relax again along an imaginary mode

# Whether the site lives: formation energy, dissolution, acid, aggregation, poisons; at the potential and pH above.
# stability:                  # `stability: {{}}` for all defaults, see docs/stability.md
#   metals: auto              # bulk metals: bulk by the same method, or cohesive (free atom, measured cohesion), mixed
#   activity: 1.0e-6          # of the dissolved metal, mol/kg
#   demetallation: true       # also the site with H in the metal's place
#   aggregation: true         # also the site with a second atom of its metal
#   ligands: {{}}               # what else is around (`CO: 1.0e-4`, bar; `Cl-: 0.1`, mol/kg), see docs/pourbaix.md

# What is calculated for `atomsieve descriptors` alone.
# descriptors:
#   electronic: true          # charges, moments, d-band of the lowest clean state, see docs/electronic.md

# By what an experiment would recognise a site: `atomsieve fingerprint`.
# fingerprints:
#   co_stretch: true          # the C-O stretch of CO on each site and as a gas, by calculated vibrations

# Where results go.  Without these: the folder atomsieve-data, and the embedded database in it.
# results:
#   folder: {name}-data       # relative to this file
#   database: embedded        # or mongodb, with ATOMSIEVE_MONGODB_URI set
"""


def write_template(name: str, folder: Path) -> Path:
    """Write ``NAME.yaml``.

    Raises
    ------
    InputError
        If the name cannot be a campaign's, or the file exists.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise InputError(f"{name!r} is not a name; allowed: up to 64 letters, digits, dots, dashes, underscores")
    path = folder / f"{name}.yaml"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(name=name))
    except FileExistsError:
        raise InputError(f"{path} exists; choose another name, or remove it") from None
    return path
